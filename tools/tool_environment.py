"""Environments of their own for tools that are large, or needed by one verb alone: `.venv-NAME`, git ignores them.

tools/environments/NAME.txt says what is in one, by version. pip takes it from wherever it is set up to take packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class CannotInstall(Exception):
    """pip failed; the message is what it said."""


def environment(name: str) -> Path:
    """Make `.venv-NAME` if it is not as its list says, and give the folder of its programs.

    Raises:
        CannotInstall: most often there is no index of packages.
    """
    wanted = (ROOT / "tools/environments" / f"{name}.txt").read_text(encoding="utf-8")
    folder = ROOT / f".venv-{name}"
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        make(folder)
        pip(folder, "install", "--requirement", f"tools/environments/{name}.txt")
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin"


def make(folder: Path) -> None:
    """Make an empty environment in the place of what is there."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)


def pip(folder: Path, *arguments: str | Path) -> None:
    """Run pip of an environment.

    Raises:
        CannotInstall: with its last lines.
    """
    command = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=_clean(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotInstall("\n".join(done.stderr.splitlines()[-5:]))


def _clean() -> dict[str, str]:
    """Leave out what tests say about authorities: an index of packages needs the real ones."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
