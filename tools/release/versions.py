"""Whether all that names a version names one: packages, what they need of each other, CHANGELOG.md, the tag.

And the oldest dependencies that packages allow.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

UNRELEASED = "Unreleased"


def complaints(root: Path, tag: str | None) -> Iterator[str]:
    """Say what does not agree. Without a tag the top section of CHANGELOG.md may be of what is not yet released."""
    found = versions(root)
    if len({*found.values()}) != 1:
        yield f"the packages differ in their version: {found}"
    version = found["server"]
    for package, needed in siblings(root):
        if needed.specifier != SpecifierSet(f"=={version}"):
            yield f"{package} needs {needed}: it must be {needed.name}=={version}"
    if not _is_normal(version):
        yield f"{version} is not how PEP 440 spells a version"
    section = top_section(root)
    if tag is None and section not in {UNRELEASED, version}:
        yield f"CHANGELOG.md begins with {section}: neither {UNRELEASED} nor {version}"
    if tag is not None and tag != f"v{version}":
        yield f"the tag is {tag}, the version {version}"
    if tag is not None and section != version:
        yield f"CHANGELOG.md begins with {section} in the place of {version}"


def versions(root: Path) -> dict[str, str]:
    """Read the version of each package, by its folder."""
    return {file.parent.name: _version(file) for file in sorted(root.glob("packages/*/pyproject.toml"))}


def siblings(root: Path) -> Iterator[tuple[str, Requirement]]:
    """List what packages need of each other: the folder of the one, the requirement of the other."""
    ours = {_project(file)["project"]["name"] for file in root.glob("packages/*/pyproject.toml")}
    for package in versions(root):
        for needed in _requirements(root / "packages" / package / "pyproject.toml"):
            if needed.name in ours:
                yield package, needed


def sources(root: Path) -> Iterator[Path]:
    """List the modules that hatchling reads a version from."""
    for file in sorted(root.glob("packages/*/pyproject.toml")):
        if (source := _source(file)) is not None:
            yield source


def top_section(root: Path) -> str:
    """Read the title of CHANGELOG.md's first section, without the day that may stand behind it."""
    found = re.search(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def lowest(root: Path, packages: Iterable[str]) -> list[str]:
    """Pin each dependency of packages, given by their folders, to the version that it begins at."""
    files = [root / "packages" / package / "pyproject.toml" for package in packages]
    requirements = [Requirement(text) for file in files for text in _project(file)["project"].get("dependencies", [])]
    return [f"{one.name}=={bound.version}" for one in requirements for bound in one.specifier if bound.operator == ">="]


def _requirements(file: Path) -> list[Requirement]:
    project = _project(file)["project"]
    extras = project.get("optional-dependencies", {}).values()
    return [Requirement(text) for texts in [project.get("dependencies", []), *extras] for text in texts]


def _version(file: Path) -> str:
    source = _source(file)
    if source is None:
        return _project(file)["project"]["version"]
    found = re.search(r'^__version__ = "(.+)"$', source.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _source(file: Path) -> Path | None:
    hatch = _project(file)["tool"]["hatch"]
    return file.parent / hatch["version"]["path"] if "version" in hatch else None


def _project(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _is_normal(version: str) -> bool:
    try:
        return str(Version(version)) == version
    except InvalidVersion:
        return False
