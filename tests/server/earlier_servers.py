"""Servers of this repository's past, taken from its git history and run by the Python of today."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MIGRATIONS = "packages/server/src/firmtrail_server/migrations"
#: another commit to compare with
_CHOSEN = os.environ.get("FIRMTRAIL_TEST_PREVIOUS")


def previous_commit() -> str:
    """The newest release; without one, the commit before the newest that added a migration; "": nobody knows."""
    return (
        _CHOSEN or _git("describe", "--tags", "--abbrev=0", "--match", "v*") or _parent(_added(f"{_MIGRATIONS}/*.sql"))
    )


def commit_with_schema(migration_id: str) -> str:
    """The commit since which a migration is as it is now; "": the history does not go back so far."""
    return _git("log", "-1", "--format=%H", "--", f"{_MIGRATIONS}/{migration_id}.sql")


def python_path(commit: str, folder: Path) -> str:
    """Unpack the packages of a commit, and return a path that Python looks at before those of today."""
    archive = subprocess.run(["git", "archive", commit, "packages"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive.stdout, check=True)
    return os.pathsep.join(str(path) for path in sorted(folder.glob("packages/*/src")))


def _added(path: str) -> str:
    return _git("log", "-1", "--diff-filter=A", "--format=%H", "--", path)


def _parent(commit: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{commit}^") if commit else ""


def _git(*arguments: str) -> str:
    """What git says, or nothing where it knows nothing."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
