"""The example scripts, run as they stand against a real server."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pyarrow import parquet

from firmtrail import AsyncClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MAX_LINES = 90


class Chat(HTTPServer):
    """A chat's webhook."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        super().__init__(("127.0.0.1", 0), partial(_Webhook, self.texts))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Webhook(BaseHTTPRequestHandler):
    def __init__(self, texts: list[str], *arguments: Any) -> None:
        self.texts = texts
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.texts.append(json.loads(body)["text"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        pass


@pytest.fixture
def chat() -> Generator[Chat]:
    with Chat() as chat:
        Thread(target=chat.serve_forever, daemon=True).start()
        yield chat
        chat.shutdown()


async def run(
    script: str, environment: dict[str, str], settings: Mapping[str, object], told: str = ""
) -> tuple[int, str, str]:
    """Run a script; give its exit code and what it wrote."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, EXAMPLES / script],
        env=environment | {name: str(value) for name, value in settings.items()},
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def client_of(environment: dict[str, str]) -> AsyncClient:
    return AsyncClient(environment["FIRMTRAIL_URL"], api_key=environment["FIRMTRAIL_API_KEY"])


async def device_key(client: AsyncClient, name: str) -> dict[str, str]:
    device = await client.devices.create(None, name, labels={"site": "oslo"})
    key = await client.device_api_keys.create(device.id)
    return {"id": str(device.id), "key": f"{key.id}:{key.secret}"}


async def report(environment: dict[str, str], keys: dict[str, str], version: str) -> None:
    async with AsyncClient(environment["FIRMTRAIL_URL"], api_key=keys["key"]) as device:
        await device.firmware.report(keys["id"], version)


async def test_the_gateway_reports_for_many_devices(environment: dict[str, str]) -> None:
    lines = [
        {"device_name": "a", "version": "1.0"},
        {"device_name": "b", "version": "2.0", "component": "modem", "observed_at": "2026-05-03T12:00:00Z"},
        {"device_name": "stranger", "version": "1.0"},
        {"device_name": "a"},
    ]
    async with client_of(environment) as client:
        for name in "ab":
            await client.devices.create(None, name, labels={"site": "oslo"})
        key = await client.api_keys.create(None, "viewer", reports_for_devices=True)
        settings = {"FIRMTRAIL_API_KEY": f"{key.id}:{key.secret}"}

        code, output, errors = await run("gateway.py", environment, settings, "\n".join(map(json.dumps, lines)))

        counts = {(one.component, one.version) for one in (await client.fleet.versions(labels={"site": None})).items}
    assert (code, output) == (1, "2 of 4 reported\n")
    assert "stranger" in errors
    assert counts == {("main", "1.0"), ("modem", "2.0")}


async def test_the_nightly_export_writes_a_days_parquet(environment: dict[str, str], tmp_path: Path) -> None:
    async with client_of(environment) as client:
        keys = await device_key(client, "a")
        await report(environment, keys, "1.0")

    settings: dict[str, object] = {"EXPORT_DIR": tmp_path, "EXPORT_DATE": "2100-01-01", "EXPORT_LABELS": "site"}
    code, _, errors = await run("nightly_export.py", environment, settings)

    assert code == 0, errors
    files = tmp_path / "date=2100-01-01"
    assert [row["version"] for row in rows(files / "versions.parquet")] == ["1.0"]
    devices = rows(files / "devices.parquet")
    found = {one["name"]: (one["labels.site"], len(one["firmware"])) for one in devices}
    assert found == {"a": ("oslo", 1), "Test Device": (None, 0)}


def rows(file: Path) -> list[dict[str, Any]]:
    return parquet.read_table(file).to_pylist()  # pyright: ignore[reportUnknownMemberType]


async def test_an_export_that_fails_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    code, _, errors = await run(
        "nightly_export.py", environment, {"FIRMTRAIL_API_KEY": "no key", "EXPORT_DIR": tmp_path}
    )

    assert code == 1
    assert errors.startswith("nightly export: ")
    assert names(tmp_path) <= {"date"}


def names(folder: Path) -> set[str]:
    return {path.name.partition("=")[0] for path in folder.iterdir()}


async def test_alerts_tell_a_chat_what_is_new_once(environment: dict[str, str], tmp_path: Path, chat: Chat) -> None:
    settings: dict[str, object] = {"ALERT_STATE": tmp_path / "state.json", "ALERT_WEBHOOK": chat.url}
    async with client_of(environment) as client:
        keys = await device_key(client, "a")
    await report(environment, keys, "1.0")
    assert (await run("alerts.py", environment, settings))[0] == 0
    state = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps(state | {"silent": ["lost"]}))
    await report(environment, keys, "1.1")

    codes = [(await run("alerts.py", environment, settings))[0] for _ in range(2)]

    assert codes == [0, 0]
    assert chat.texts == ["lost is back\nmain 1.1 runs for the first time"]


def remembered(folder: Path, state: dict[str, list[str]]) -> Path:
    (folder / "state.json").write_text(json.dumps(state))
    return folder / "state.json"


async def test_alerts_keep_what_they_could_not_tell(environment: dict[str, str], tmp_path: Path, chat: Chat) -> None:
    state = remembered(tmp_path, {"silent": ["lost"], "versions": []})

    refused, _, errors = await run(
        "alerts.py", environment, {"ALERT_STATE": state, "ALERT_WEBHOOK": "http://127.0.0.1:9/hook"}
    )
    told, _, _ = await run("alerts.py", environment, {"ALERT_STATE": state, "ALERT_WEBHOOK": chat.url})

    assert (refused, told) == (1, 0)
    assert errors.startswith("alerts: ")
    assert chat.texts == ["lost is back"]


@pytest.mark.parametrize("number", [0, 1])
async def test_the_code_of_the_page_runs(environment: dict[str, str], tmp_path: Path, number: int) -> None:
    page = (EXAMPLES.parent / "docs/notebooks.md").read_text("utf-8")
    code = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[number]

    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_a_script_is_short(script: str) -> None:
    assert len((EXAMPLES / script).read_text("utf-8").splitlines()) <= MAX_LINES
