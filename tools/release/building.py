"""Builds wheels and sdists, and wheels once more from the sdists."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path


def build(package: Path, folder: Path, target: str) -> Path:
    """Build the "wheel" or the "sdist" of the package in a folder, the same bytes for the same commit."""
    hook = f"from hatchling.build import build_{target} as build; import sys; print(build(sys.argv[1]))"  # PEP 517
    command = [sys.executable, "-c", hook, str(folder)]
    environment = {"SOURCE_DATE_EPOCH": _moment(package), **os.environ}
    done = subprocess.run(command, cwd=package, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return folder / done.stdout.split()[-1]


def differences(sdist: Path, wheel: Path) -> Iterator[str]:
    """Build a wheel from an sdist; say which files are not as they are in the wheel that came from the checkout."""
    with tempfile.TemporaryDirectory() as temporary, tarfile.open(sdist) as archive:
        archive.extractall(temporary, filter="data")
        (source,) = Path(temporary).iterdir()
        again = build(source, Path(temporary), "wheel")
        ours, theirs = _content(wheel), _content(again)
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            yield f"{sdist.name}: {name}"


def _moment(package: Path) -> str:
    """Take the commit's time; an unpacked sdist has none, and hatchling's own default does."""
    command = ["git", "log", "-1", "--format=%ct"]
    said = subprocess.run(command, cwd=package, check=False, capture_output=True, text=True).stdout.strip()
    return said or "1580601600"


def _content(wheel: Path) -> dict[str, int]:
    """Give each file's checksum; the list of files aside, which repeats them."""
    with zipfile.ZipFile(wheel) as files:
        return {file.filename: file.CRC for file in files.infolist() if not file.filename.endswith("/RECORD")}
