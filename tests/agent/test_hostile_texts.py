"""What a server, a proxy or a program writes cannot command a terminal, forge a line, or fill one without end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from firmtrail_agent.daemon import status_file
from firmtrail_agent.daemon.status_file import Status
from firmtrail_agent.system import atomic_file, directories
from tests.agent.support.device import Device, ended
from tests.agent.support.report_server import Answer, ReportServer, answering, receipt, refusing
from tests.agent.support.service_manager import ServiceManager

HOSTILE = "bad\x1b[2J\x07\r\n<0>forged\nWATCHDOG=trigger\u202e\u2028\x9b" + "x" * 100_000
#: what a line of ours has, at most, and a few words around it
LONGEST = 2500


def assert_harmless(text: str) -> None:
    assert "bad" in text
    for line in text.split("\n"):
        assert line.isprintable(), line[:200]
        assert not line.startswith(("<0>", "WATCHDOG"))
        assert len(line) <= LONGEST


def saying(outcome: str) -> Answer:
    async def answer(_: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        receipts = [receipt(record) for record in body["records"]]
        for one in receipts:
            one["components"][0]["outcome"] = outcome
        return answering(receipts)

    return answer


@pytest.mark.parametrize("arguments", [["report"], ["report", "--json"]])
async def test_an_outcome_is_shown_without_commands(device: Device, server: ReportServer, arguments: list[str]) -> None:
    server.answer = saying(HOSTILE)

    assert_harmless((await device.run(*arguments)).stdout)


@pytest.mark.parametrize("command", ["report", "doctor"])
async def test_a_detail_is_shown_without_commands(device: Device, server: ReportServer, command: str) -> None:
    server.answer = refusing(409, detail=HOSTILE)

    result = await device.run(command)

    assert_harmless(result.stdout + result.stderr + "bad")


async def test_the_status_of_a_refused_agent_is_harmless(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = refusing(409, detail=HOSTILE)
    agent = await device.start("run", **service_manager.environment)

    assert_harmless(await service_manager.hear_of("STATUS=degraded"))
    assert_harmless((await device.run("status")).stdout)
    assert_harmless((await device.run("status", "--json")).stdout)
    left = directories.runtime({}, device.root) / "status.json"
    assert_harmless(left.read_text())
    agent.terminate()
    assert_harmless((await ended(agent)).stderr)


def test_a_version_in_the_status_is_harmless(device: Device) -> None:
    said = Status(pid=1, next_round=0.0, versions={"main": HOSTILE}, last_report=0.0)
    status_file.write(said, device.root)

    assert_harmless(status_file.sentence(said, 0.0))
    assert_harmless((device.root / "status.json").read_text())


async def test_what_a_program_says_is_shown_without_commands(device: Device) -> None:
    script = device.write("/bin/tool", "#!/bin/sh\nprintf 'bad\\033[2J\\n<0>forged\\n' >&2\nexit 3\n")
    script.chmod(0o755)
    source = f'[[sources]]\ntype = "command"\nargv = ["{script}"]\ncomponent = "main"\n'
    device.config.write_text(device.config.read_text().partition("[[sources]]")[0] + source)

    for arguments in (["version"], ["version", "--explain"], ["version", "--json"], ["report"], ["doctor"]):
        result = await device.run(*arguments)

        assert_harmless(result.stdout + result.stderr + "bad")


async def test_a_waiting_record_is_listed_without_commands(device: Device) -> None:
    device.configure("http://127.0.0.1:9", sources={"main": "/etc/none"})
    await device.run("report")
    (file,) = (device.root / "var/lib/firmtrail-agent/spool").glob("*.record")
    record = json.loads(atomic_file.read(file))
    record["components"][0]["error"] = "bad\x1b[2J\n<0>forged"
    atomic_file.write(file, json.dumps(record))

    for arguments in (["spool", "list"], ["spool", "list", "--json"]):
        result = await device.run(*arguments)

        assert_harmless(result.stdout + "bad")
        assert "forged" in result.stdout
