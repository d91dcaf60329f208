"""`python -m firmtrail.cli`."""

import sys

from firmtrail.cli.commands import main

sys.exit(main())
