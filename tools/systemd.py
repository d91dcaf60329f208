"""Boot a real systemd in a sandbox, try our units and our Debian package in it: `systemd.py [PYTEST ARGUMENT ...]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    tests = [f"tests/agent/systemd/{name}.py" for name in ("sandboxed", "sandboxed_deb")]
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:randomly", "-rs", *tests, *arguments]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return 0 if code == _NOTHING_RUN else code


#: pytest's: all were skipped, with the reason above
_NOTHING_RUN = 5

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
