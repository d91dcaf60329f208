"""Whether the packages, CHANGELOG.md and the tag name one version; and the oldest dependencies that packages allow."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

UNRELEASED = "Unreleased"


def complaints(root: Path, tag: str | None) -> Iterator[str]:
    """Say what does not agree. Without a tag the top section of CHANGELOG.md may be of what is not yet released."""
    found = versions(root)
    if len({*found.values()}) != 1:
        yield f"the packages differ in their version: {found}"
    version = found["server"]
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


def top_section(root: Path) -> str:
    """Read the title of CHANGELOG.md's first section, without the day that may stand behind it."""
    found = re.search(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def lowest(root: Path, packages: Iterable[str]) -> list[str]:
    """Pin each dependency of packages, given by their folders, to the version that it begins at."""
    requirements = [
        Requirement(text)
        for package in packages
        for text in _project(root / "packages" / package / "pyproject.toml")["project"].get("dependencies", [])
    ]
    return [f"{one.name}=={bound.version}" for one in requirements for bound in one.specifier if bound.operator == ">="]


def _version(file: Path) -> str:
    project = _project(file)
    if "version" in project["project"]:
        return project["project"]["version"]
    source = (file.parent / project["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    return found[1] if found else ""


def _project(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _is_normal(version: str) -> bool:
    try:
        return str(Version(version)) == version
    except InvalidVersion:
        return False
