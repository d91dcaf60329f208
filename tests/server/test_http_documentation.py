"""The reference of the API, as the server ships it."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest

from firmtrail_server.http.documents import docs_html, openapi_json
from firmtrail_server.settings import Settings
from tests.page_reader import Reader
from tests.served import Server
from tests.server.conftest import Demo

ROOT = Path(__file__).resolve().parents[2]
READER = Reader(docs_html().decode())
METRICS_TOKEN = "planted-metrics-token"


@pytest.mark.parametrize(
    ("path", "content_type", "file"),
    [("/docs", "text/html", docs_html()), ("/openapi.json", "application/json", openapi_json())],
    ids=["docs.html", "openapi.json"],
)
async def test_the_server_serves_the_files_it_ships(
    http: httpx.AsyncClient, path: str, content_type: str, file: bytes
) -> None:
    answer = await http.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == content_type
    assert answer.content == file


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("settings", "path"), [(Settings(pages_enabled=False), "/docs"), (Settings(pages_enabled=True), "/projects")]
)
async def test_the_root_leads_a_browser_on(http: httpx.AsyncClient, method: str, path: str) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

    answer = await http.request(method, "/", headers=browser)

    assert (answer.status_code, answer.headers["Location"], answer.headers["Vary"]) == (302, path, "Accept")
    assert answer.content == b""


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [("GET", "/", "application/json"), ("GET", "/", "*/*"), ("POST", "/", "text/html"), ("GET", "/v1", "text/html")],
)
async def test_nothing_else_is_redirected(http: httpx.AsyncClient, method: str, path: str, accept: str) -> None:
    answer = await http.request(method, path, headers={"Accept": accept})

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_openapi_json_of_the_repository_is_the_shipped_one() -> None:
    assert (ROOT / "openapi.json").read_bytes() == openapi_json()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    "operation", ["report_firmware_version", "list_firmware_versions", "issue_token", "seed", "metrics", "docs"]
)
@pytest.mark.parametrize("settings", [Settings(seed_enabled=True, metrics_token=METRICS_TOKEN)])
async def test_a_curl_line_works_as_it_stands(server: Server, demo: Demo, operation: str) -> None:
    command, *_ = READER.code[operation]
    key = demo.device_key if operation == "report_firmware_version" else demo.project_key
    settings = {
        "FIRMTRAIL_URL": server.url,
        "FIRMTRAIL_API_KEY": ":".join(key),
        "FIRMTRAIL_METRICS_TOKEN": METRICS_TOKEN,
        "DEVICE_ID": demo.device_id,
        "CURL_HOME": os.devnull,
        "no_proxy": "*",
    }

    script = command.replace("curl ", "curl --silent --output /dev/null --write-out '%{http_code}' ")
    shell = await asyncio.create_subprocess_exec("sh", "-c", script, env=os.environ | settings, stdout=PIPE)
    status, _ = await shell.communicate()

    assert status in (b"200", b"201")
