"""Run the commands of docs/deploy.md under a real systemd in a sandbox: `deploy.py [PYTEST ARGUMENT ...]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: pytest's: all were skipped, with the reason above
_NOTHING_RUN = 5


def main(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:randomly", "-rs"]
    code = subprocess.run([*command, "tests/deploy/one_machine.py", *arguments], cwd=ROOT, check=False).returncode
    return 0 if code == _NOTHING_RUN else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
