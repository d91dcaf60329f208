"""Lays the agent out as a device has it, in one directory: `agent_tree.py DIRECTORY`.

Its modules and those of its dependencies are taken from .venv, where they have come from the lock with their hashes
checked. All are plain Python.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
#: only makes large answers quicker to read, which no agent gets; the rest is plain Python
_LEFT_OUT = {"orjson"}
_OURS = {"firmtrail-agent": "device-agent", "firmtrail": "sdk", "firmtrail-contract": "contract"}


def lay_out(target: Path) -> None:
    """Fill a directory that a Python path can name."""
    for dist in _with_dependencies("firmtrail-agent"):
        _copy(dist, target)


def _with_dependencies(name: str) -> Iterator[Distribution]:
    waiting, seen = [name], {*_LEFT_OUT}
    while waiting:
        if (this := _normalized(waiting.pop())) in seen:
            continue
        seen.add(this)
        yield (dist := distribution(this))
        wanted = map(Requirement, dist.requires or [])
        waiting += [one.name for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})]


def _copy(dist: Distribution, target: Path) -> None:
    if place := _OURS.get(_normalized(dist.name)):  # installed editable: its files are not where its metadata are
        sources = ROOT / "packages" / place / "src"
        shutil.copytree(sources, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"), dirs_exist_ok=True)
    for file in dist.files or []:
        inside = file.parts[0] != ".." and "__pycache__" not in file.parts
        if inside and (not place or (".dist-info" in file.parts[0] and file.name in {"METADATA", "entry_points.txt"})):
            if file.suffix in {".so", ".pyd"}:
                raise SystemExit(f"{file} is no plain Python: the agent must run on every machine.")
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target / file)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
