"""The server of the version before serves the schema of this one, beside a server of this one, and after it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Demo
from tests.server.server_process import ServerProcess, run

ROOT = Path(__file__).parents[2]
MIGRATIONS = "packages/server/src/firmtrail_server/migrations"
#: another commit to compare with
CHOSEN = os.environ.get("FIRMTRAIL_TEST_PREVIOUS")


def git(*arguments: str) -> str:
    """What git says, or nothing where it knows nothing."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def previous_commit() -> str:
    """The newest release; without one, the commit before the newest that added a migration."""
    released = git("describe", "--tags", "--abbrev=0", "--match", "v*")
    adding = git("log", "-1", "--diff-filter=A", "--format=%H", "--", f"{MIGRATIONS}/*.sql")
    return CHOSEN or released or (git("rev-parse", "--verify", "--quiet", f"{adding}^") if adding else "")


@pytest.fixture(scope="module")
def old_sources(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The old packages, as a path that Python looks at before the new ones."""
    commit = previous_commit()
    if not commit:
        pytest.skip("there is no git history to take the version before from")
    folder = tmp_path_factory.mktemp("old")
    archive = subprocess.run(["git", "archive", commit, "packages"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive.stdout, check=True)
    return os.pathsep.join(str(path) for path in sorted(folder.glob("packages/*/src")))


@contextmanager
def serving(database_url: str, **environment: str) -> Generator[httpx.Client]:
    server = ServerProcess("serve", FIRMTRAIL_DATABASE_URL=database_url, FIRMTRAIL_SEED_ENABLED="true", **environment)
    try:
        with httpx.Client(base_url=server.url(), timeout=60) as client:
            yield client
    finally:
        assert server.stop() == 0, server.said


def seed(client: httpx.Client) -> Demo:
    made = client.post("/v1/seed").raise_for_status().json()
    return Demo(
        project_id=made["project"]["id"],
        device_id=made["device"]["id"],
        project_key=(made["project_api_key"]["id"], made["project_api_key"]["secret"]),
        device_key=(made["device_api_key"]["id"], made["device_api_key"]["secret"]),
    )


def report(client: httpx.Client, demo: Demo, version: str) -> None:
    client.post(demo.path, auth=demo.device_key, json={"version": version}).raise_for_status()


def versions(client: httpx.Client, demo: Demo) -> set[str]:
    items = client.get(demo.path, auth=demo.project_key).raise_for_status().json()["items"]
    return {period["version"] for period in items}


def test_the_version_before_serves_the_new_schema_and_comes_back(empty_database_url: str, old_sources: str) -> None:
    old = {"PYTHONPATH": old_sources}
    url = empty_database_url
    before = run("migrate", FIRMTRAIL_DATABASE_URL=url, **old)
    pending = run("migrate", "--check", FIRMTRAIL_DATABASE_URL=url)
    assert (before.returncode, pending.returncode) == (0, 1), "the schema of before is another one"

    with serving(url, **old) as old_server:
        demo = seed(old_server)
        report(old_server, demo, "1")
        assert run("migrate", FIRMTRAIL_DATABASE_URL=url).returncode == 0
        report(old_server, demo, "2")
        with serving(url) as new_server:
            report(new_server, demo, "3")
            report(old_server, demo, "4")
            other = seed(old_server)
            report(new_server, other, "1")
            assert versions(old_server, demo) == versions(new_server, demo) == {"1", "2", "3", "4"}
    with serving(url, **old) as back:
        report(back, demo, "5")
        assert versions(back, demo) == {"1", "2", "3", "4", "5"}
        assert versions(back, other) == {"1"}
    assert run("migrate", FIRMTRAIL_DATABASE_URL=url, **old).returncode == 0
