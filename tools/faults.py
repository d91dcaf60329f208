"""Repeat the tests of faults until a time is over or one fails: each round breaks things at other moments.

`faults.py [--minutes N] [ARGUMENT ...]`; further arguments go to pytest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MINUTES = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev faults", description="Break servers and databases under load.")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, help="begin no round after (%(default)s)")
    options, arguments = parser.parse_known_args()
    command = [sys.executable, "-m", "pytest", "-n", "2", "--quiet", "tests/server/faults", *arguments]
    ends, rounds = time.monotonic() + options.minutes * 60, 0
    while rounds == 0 or time.monotonic() < ends:
        rounds += 1
        print(f"faults: round {rounds}", flush=True)
        if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
            return code
    print(f"faults: {rounds} rounds, nothing lost and nothing counted twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
