"""Whether the locks can be installed as they are: an address nowhere, a hash everywhere, nothing missing or outdated.

Extras of others are taken on trust: `psycopg[pool]` counts as satisfied when psycopg is.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCK, DEV_LOCK, BENCH_LOCK = "requirements.lock", "requirements-dev.lock", "bench/requirements.lock"
IMAGE_LOCK, HA_LOCK = "requirements-image.lock", "tools/ha/requirements.lock"
_ENTRY = re.compile(r"^([\w.-]+)==(\S+)((?:.*\\\n)*.*)", re.MULTILINE)
_HASH = re.compile(r"sha256:\w+")


def main() -> int:
    complaints = list(complaints_about(ROOT))
    print(*complaints, sep="\n")
    return int(bool(complaints))


def complaints_about(root: Path) -> Iterator[str]:
    """Say what is wrong with the locks of the workspace at `root`."""
    projects = [
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in [root / "pyproject.toml", *sorted(root.glob("packages/*/pyproject.toml"))]
    ]
    ours = {canonicalize_name(project["project"]["name"]) for project in projects}
    groups = projects[0]["dependency-groups"]
    asked, tools = ([*map(Requirement, names)] for names in (projects[0]["project"]["dependencies"], groups["dev"]))
    imaged = [*map(Requirement, groups["image"])]
    run = [*_requirements(projects, ours, asked)]
    of_others = [one for one in tools if canonicalize_name(one.name) not in ours]
    dev = [*_requirements(projects, ours, [*asked, *tools]), *of_others]
    yield from _complaints(root, RUN_LOCK, run)
    yield from _complaints(root, DEV_LOCK, dev)
    yield from _complaints(root, IMAGE_LOCK, [*_requirements(projects[1:], ours, imaged)])
    yield from _complaints(root, BENCH_LOCK, [*map(Requirement, groups["bench"])])
    yield from _complaints(root, HA_LOCK, [*map(Requirement, groups["ha"])])
    for lock in (RUN_LOCK, IMAGE_LOCK):
        yield from _differences(root, lock)


def _requirements(
    projects: list[dict[str, Any]], ours: set[NormalizedName], askers: Iterable[Requirement]
) -> Iterator[Requirement]:
    """List what our packages need, each with the extras that `askers` name."""
    extras = {canonicalize_name(one.name): one.extras for one in askers}
    for file in projects:
        wanted = extras.get(canonicalize_name(file["project"]["name"]), set[str]())
        optional = [group for name, group in file["project"].get("optional-dependencies", {}).items() if name in wanted]
        building = file.get("build-system", {}).get("requires", [])
        for text in [
            *file["project"].get("dependencies", []),
            *building,
            *(text for group in optional for text in group),
        ]:
            if canonicalize_name((requirement := Requirement(text)).name) not in ours:
                yield requirement


def _complaints(root: Path, lock: str, requirements: list[Requirement]) -> Iterator[str]:
    text = (root / lock).read_text(encoding="utf-8")
    if "://" in text:
        yield f"{lock}: it holds an address (://); run ./dev lock"
    versions: dict[NormalizedName, str] = {}
    for name, version, rest in _ENTRY.findall(text):
        versions[canonicalize_name(name)] = version
        if "--hash=sha256:" not in rest:
            yield f"{lock}: {name} has no hash; run ./dev lock"
    for requirement in requirements:
        version = versions.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found = f"holds {version}" if version else "does not hold it"
            yield f"{lock}: a pyproject.toml asks for '{requirement}', the lock {found}; run ./dev lock"


def _differences(root: Path, lock: str) -> Iterator[str]:
    """What is tested is what runs: installing one lock over the other must change nothing that both hold."""
    dev = _contents(root / DEV_LOCK)
    for name, *rest in sorted(_contents(root / lock)):
        if (name, *rest) not in dev:
            yield f"{DEV_LOCK}: {name} is not locked as it is in {lock}; run ./dev lock"


def _contents(lock: Path) -> set[tuple[str, ...]]:
    """Give each name with its version and hashes; its marker (`; python_version ...`) may differ between locks."""
    entries = _ENTRY.findall(lock.read_text(encoding="utf-8"))
    return {(name, version, *_HASH.findall(rest)) for name, version, rest in entries}


if __name__ == "__main__":
    sys.exit(main())
