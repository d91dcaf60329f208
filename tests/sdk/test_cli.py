"""`firmtrail` as a process of its own, against the real server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest
from aiohttp.test_utils import BaseTestServer

from tests.sdk.conftest import MisbehavingServer, dripping
from tests.server.conftest import Demo


@attrs.frozen
class Shell:
    """Somewhere to type commands, with the demo project's key."""

    url: str
    key: str
    home: str

    async def __call__(
        self, *arguments: str, told: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FIRMTRAIL_", "XDG_"))}
        ours = {"HOME": self.home, "FIRMTRAIL_URL": self.url, "FIRMTRAIL_API_KEY": self.key}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "firmtrail.cli",
            *arguments,
            env={**inherited, **ours, **(environment or {})},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate(told)
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()


@pytest.fixture
def shell(server: BaseTestServer, demo: Demo, tmp_path: Path) -> Shell:
    return Shell(str(server.make_url("")), ":".join(demo.project_key), str(tmp_path))


async def test_devices_are_made_and_listed_as_a_table_and_as_json_lines(shell: Shell, demo: Demo) -> None:
    made = await shell("devices", "create", demo.project_id, "pump-1", "--label", "site=berlin", "--json")
    table = await shell("devices", "list", demo.project_id, "--labels", "site=berlin")

    code, output, errors = made
    device = json.loads(output)
    assert (code, device["name"], device["labels"], errors) == (0, "pump-1", {"site": "berlin"}, "")
    head, row = table[1].splitlines()
    assert (head.split()[:3], row.split()) == (["id", "name", "labels"], [device["id"], "pump-1", "site=berlin"])


async def test_an_import_with_refused_rows_tells_each_and_its_exit_code_says_so(shell: Shell, demo: Demo) -> None:
    code, output, _ = await shell("devices", "import", demo.project_id, "-", told=b"name\npump-1\na\x01b\n")

    assert code == 65
    assert [line.split()[0:3:2] for line in output.splitlines()[1:2]] == [["1", "created"]]
    assert "/name must" in output.splitlines()[2]


async def test_a_dry_run_imports_nothing(shell: Shell, demo: Demo) -> None:
    table = b"name\npump-1\n"

    tried = await shell("devices", "import", demo.project_id, "-", "--dry-run", told=table)
    _, output, _ = await shell("devices", "list", demo.project_id, "--name", "pump")

    assert (tried[0], output) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["devices", "show", "pump-1"], {}, 1, "/device_id must be a UUID"),
        (["projects", "list"], {"FIRMTRAIL_URL": "http://127.0.0.1:9"}, 69, "Cannot reach"),
        (["projects", "list"], {"FIRMTRAIL_URL": ""}, 78, "set FIRMTRAIL_URL"),
        (["projects", "frobnicate"], {}, 2, "invalid choice"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(
    shell: Shell, arguments: list[str], environment: dict[str, str], code: int, said: str
) -> None:
    found, output, errors = await shell(*arguments, environment=environment)

    assert (found, output) == (code, "")
    assert said in errors
    assert "Traceback" not in errors
    assert shell.key.partition(":")[2] not in errors


async def test_a_reader_that_has_seen_enough_is_no_error(shell: Shell, demo: Demo) -> None:
    inner = f"{sys.executable} -m firmtrail.cli devices list {demo.project_id} --json"
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f"{{ {inner}; echo $? >&2; }} | true",
        env={**os.environ, "HOME": shell.home, "FIRMTRAIL_URL": shell.url, "FIRMTRAIL_API_KEY": shell.key},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()

    assert errors == b"0\n"


async def test_an_interrupt_is_130(misbehaving: MisbehavingServer, tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await dripping(writer)

    misbehaving.behaviours = [hold]
    own = {"HOME": str(tmp_path), "FIRMTRAIL_URL": misbehaving.url, "FIRMTRAIL_API_KEY": "id:secret"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmtrail.cli", "projects", "list"),
        env={**os.environ, **own, "FIRMTRAIL_AUTH": "basic"},
        stderr=asyncio.subprocess.PIPE,
    )
    await arrived.wait()
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()

    assert (process.returncode, errors) == (130, b"")
