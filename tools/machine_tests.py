"""Run the tests of a verb that need a machine of their own to try: `machine_tests.py VERB [PYTEST ARGUMENT ...]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = {
    "deploy": ["tests/deploy/one_machine.py"],
    "images": ["tests/deploy/images.py"],
    "systemd": ["tests/agent/systemd/sandboxed.py", "tests/agent/systemd/sandboxed_deb.py"],
}
#: pytest's: all were skipped, with the reason above
_NOTHING_RUN = 5


def main(verb: str, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:randomly", "-rs"]
    code = subprocess.run([*command, *TESTS[verb], *arguments], cwd=ROOT, check=False).returncode
    return 0 if code == _NOTHING_RUN else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
