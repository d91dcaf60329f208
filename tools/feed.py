"""Kill writers, readers and numberers of the feed, and PostgreSQL, for some minutes; then check what was read.

`feed.py [--minutes N] [ARGUMENT ...]`; further arguments go to pytest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MINUTES = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev feed", description="Try the feed while all that it needs is killed.")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, help="for how long (%(default)s)")
    options, arguments = parser.parse_known_args()
    shown = ["-o", "log_cli=true", "-o", "log_cli_level=INFO", "-o", "log_cli_format=%(message)s"]
    command = [sys.executable, "-m", "pytest", "--quiet", *shown, "tests/server/faults/test_feed.py", *arguments]
    environment = {**os.environ, "FEED_SECONDS": str(options.minutes * 60)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
