"""The server from its wheel, with the oldest dependencies that its metadata allows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.server.server_process import serving
from tools.release.versions import lowest

OURS = ("contract", "server")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    # tests/conftest.py names an empty store of authorities; an index of packages needs a real one
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def old_python(root: Path, tmp_path: Path) -> str:
    """Give the Python of an environment with the server's wheel and nothing newer than it must be."""
    for package in OURS:
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / "dist"]
        assert run(*build, cwd=root / "packages" / package).returncode == 0
    (tmp_path / "lowest.txt").write_text("\n".join(lowest(root, OURS)))
    made = run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv/bin/python"
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    if made.returncode != 0 or run(*pip, "download", "--no-deps", "attrs", cwd=tmp_path).returncode != 0:
        pytest.skip("there is no pip, or it reaches no index of packages")

    wheels = sorted((tmp_path / "dist").glob("*.whl"))
    installed = run(*pip, "install", "--constraint", "lowest.txt", *wheels, cwd=tmp_path)

    assert installed.returncode == 0, installed.stderr
    return str(python)


def test_the_oldest_dependencies_answer_a_report(old_python: str, database_url: str) -> None:
    settings = {"FIRMTRAIL_DATABASE_URL": database_url, "FIRMTRAIL_SEED_ENABLED": "true"}

    with serving(python=old_python, **settings) as url, httpx.Client(base_url=url) as client:
        seed = client.post("/v1/seed").json()
        path = f"/v1/devices/{seed['device']['id']}/firmware_version"
        device_key, project_key = (
            (seed[name]["id"], seed[name]["secret"]) for name in ("device_api_key", "project_api_key")
        )
        report = client.post(path, json={"version": "1.4.2"}, auth=device_key)
        history = client.get(path, auth=project_key)

    assert report.status_code == 201
    assert [period["version"] for period in history.json()["items"]] == ["1.4.2"]
