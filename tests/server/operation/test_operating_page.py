"""docs/operating.md says what is true: its metrics are those that there are, and its commands do what it says."""

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

from firmtrail_server.auth.signing_keys import new_signing_keys, read_signing_keys
from firmtrail_server.settings import Settings
from tests.server.server_process import TIMEOUT_SECONDS, serving

PAGE = (Path(__file__).parents[3] / "docs/operating.md").read_text(encoding="utf-8")
SECTIONS = {section.partition("\n")[0]: section for section in PAGE.split("\n## ")[1:]}
TOKEN = "planted-metrics-token"


@pytest.fixture
def folder() -> Generator[Path]:
    """One that other users can enter, which pytest's own is not when root runs the tests."""
    made = Path(tempfile.mkdtemp(prefix="firmtrail-operating-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def run_block(title: str, number: int, folder: Path) -> str:
    """Run an indented block of a section as a shell would; return what it prints."""
    blocks = re.findall(r"^ {4}\S.*(?:\n {4}.*)*", SECTIONS[title], re.MULTILINE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", "-eu", "-c", blocks[number]],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("settings", [Settings(metrics_token=TOKEN)])
async def test_every_metric_is_described_with_its_type_and_no_other_one(http: httpx.AsyncClient) -> None:
    shown = await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    types = re.findall(r"^# TYPE (firmtrail_\w+) (\w+)", shown.text, re.MULTILINE)
    described = re.findall(r"^\| `(firmtrail_\w+)` \| (\w+)", SECTIONS["Metrics"], re.MULTILINE)
    assert sorted(described) == sorted(types)


def test_a_new_signing_key_comes_first_or_last_or_alone_as_the_page_says(folder: Path) -> None:
    file = folder / "signing-keys.json"
    old = new_signing_keys()
    file.write_text(old.as_text(), encoding="utf-8")

    run_block("Signing keys", 0, folder)
    rotated = read_signing_keys(file.read_text(encoding="utf-8"))
    announced = read_signing_keys(run_block("Signing keys", 2, folder))
    run_block("Signing keys", 1, folder)

    new, kept = rotated.by_id
    assert [kept] == [*old.by_id]
    assert [*announced.by_id] == [kept, new]
    assert {*read_signing_keys(file.read_text(encoding="utf-8")).by_id} & {new, kept} == set()
    assert file.stat().st_mode & 0o77 == 0


def test_a_backup_of_the_embedded_database_brings_back_what_it_held(folder: Path) -> None:
    environment = {"FIRMTRAIL_DATA_DIR": str(folder / ".firmtrail"), "FIRMTRAIL_SEED_ENABLED": "true"}
    with serving(**environment) as url:
        made = httpx.post(f"{url}/v1/seed").raise_for_status().json()
        path = f"/v1/devices/{made['device']['id']}/firmware_version"
        device, project = ((made[key]["id"], made[key]["secret"]) for key in ("device_api_key", "project_api_key"))
        httpx.post(url + path, auth=device, json={"version": "before"}).raise_for_status()
        run_block("Backup and restore", 1, folder)
        httpx.post(url + path, auth=device, json={"version": "after"}).raise_for_status()
        run_block("Backup and restore", 2, folder)
    assert (folder / "firmtrail.dump").stat().st_mode & 0o77 == 0

    with serving(**environment) as url:
        items = httpx.get(url + path, auth=project).raise_for_status().json()["items"]
        httpx.post(url + path, auth=device, json={"version": "later"}).raise_for_status()

    assert [period["version"] for period in items] == ["before"]
