"""`python -m firmtrail_agent` is `firmtrail-agent`."""

import sys

from firmtrail_agent.cli import main

sys.exit(main())
