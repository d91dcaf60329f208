"""Mend what tools can mend. What is left, ./dev check shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUFF = str(Path(sys.executable).with_name("ruff"))

# Generated files first: they are formatted like all others.
STEPS = [
    ("writing the SDK's sync half", [sys.executable, "tools/unasync.py"]),
    ("writing openapi.json and docs.html", [sys.executable, "-m", "tools.openapi"]),
    ("writing examples/clients", [sys.executable, "-m", "tools.clients", "write"]),
    ("mending what the linter can mend", [RUFF, "check", "--fix", "."]),
    ("formatting", [RUFF, "format", "."]),
]


def main() -> int:
    failed = False
    for what, command in STEPS:
        print(f"dev: {what}", flush=True)
        failed |= subprocess.run(command, cwd=ROOT, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
