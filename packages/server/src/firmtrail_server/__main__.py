"""`python -m firmtrail_server`: the same as the command `firmtrail-server`."""

import sys

from firmtrail_server.process.cli import main

sys.exit(main())
