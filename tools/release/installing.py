"""Installs what was built into clean environments, as its users will, and lets the programs say their first words."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.tool_environment import make, pip

PROGRAMS = ("firmtrail", "firmtrail-agent", "firmtrail-server")


def try_installing(built: Sequence[Path], pins: Sequence[str]) -> None:
    """Install wheels, with some dependencies pinned, and run each program.

    Raises:
        CannotInstall: pip finds no versions that fit, or says that they do not.
        CalledProcessError: a program does not start.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "venv"
        (constraints := Path(temporary) / "constraints.txt").write_text("\n".join(pins), encoding="utf-8")
        make(folder)
        pip(folder, "install", "--constraint", constraints, *built)
        pip(folder, "check")
        for program in PROGRAMS:
            subprocess.run([folder / "bin" / program, "--help"], check=True, stdout=subprocess.DEVNULL)
