"""From the embedded PostgreSQL to a server of its own, by the commands of docs/deploy.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from tests.server.server_process import run, serving


@pytest.fixture
def data_dir() -> Generator[Path]:
    """Give a folder that the user may reach who runs the embedded PostgreSQL when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="firmtrail-moving-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def move(root: Path, folder: Path, **environment: str) -> None:
    """Run the page's commands, with this Python as `python`."""
    page = (root / "docs/deploy.md").read_text(encoding="utf-8")
    chapter = page.split("\n## From the embedded PostgreSQL to a server\n")[1].split("\n## ")[0]
    found = re.search(r"^```sh\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)
    assert found
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", found[1]],
        cwd=folder,
        env={**os.environ, **environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
def test_all_that_was_reported_moves_to_the_new_database(
    root: Path, tmp_path: Path, data_dir: Path, empty_database_url: str
) -> None:
    settings = {"FIRMTRAIL_DATA_DIR": str(data_dir), "FIRMTRAIL_SEED_ENABLED": "true"}
    with serving(**settings) as url, httpx.Client(base_url=url) as client:
        seed = client.post("/v1/seed").json()
        path = f"/v1/devices/{seed['device']['id']}/firmware_version"
        device_key, project_key = (
            (seed[name]["id"], seed[name]["secret"]) for name in ("device_api_key", "project_api_key")
        )
        assert client.post(path, json={"version": "1.4.2"}, auth=device_key).status_code == 201
        before = client.get(path, auth=project_key).json()

        move(root, tmp_path, FIRMTRAIL_DATA_DIR=str(data_dir), NEW=empty_database_url)

    assert run("migrate", "--check", FIRMTRAIL_DATABASE_URL=empty_database_url).returncode == 0
    with serving(FIRMTRAIL_DATABASE_URL=empty_database_url) as url, httpx.Client(base_url=url) as client:
        assert client.get(path, auth=project_key).json() == before
        assert client.post(path, json={"version": "1.5.0"}, auth=device_key).status_code == 201
