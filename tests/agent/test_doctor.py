"""The doctor finds what keeps reports from arriving, and names what mends it."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firmtrail_agent.doctor.checks import CHECKS, UNIT, Finding
from firmtrail_agent.state.spool import MAX_RECORDS, Spool
from firmtrail_agent.system.boot import number_boot
from tests.agent.support.device import Device, ended
from tests.agent.support.doctor import examined
from tests.agent.support.observations import DEVICE, observed
from tests.agent.support.report_server import ReportServer, refusing
from tests.agent.support.service_manager import ServiceManager
from tests.authority import ELSEWHERE, Authority

DROP_IN = "/etc/firmtrail-agent/config.d/1.toml"
Plant = Callable[[Device], object]


def faults(findings: dict[str, Finding]) -> set[str]:
    return {finding.check for finding in findings.values() if finding.state == "fault"}


@asynccontextmanager
async def speaking_tls(context: ssl.SSLContext) -> AsyncGenerator[str]:
    """A server that shakes hands, and then hangs up."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_healthy_device_has_no_fault(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")

    result = await device.run("doctor", "--json")

    agent.terminate()
    await ended(agent)
    assert {one["check"]: one["state"] for one in json.loads(result.stdout)} == dict.fromkeys(CHECKS, "ok")
    assert result.code == 0


async def test_people_get_a_line_a_check_with_the_fix_and_1(device: Device) -> None:
    result = await device.run("doctor")

    lines = result.stdout.splitlines()
    assert (result.code, len(lines)) == (1, len(CHECKS) + 1)
    assert lines[-2].split()[:2] == ["fault", "service"]
    assert lines[-1].strip().startswith("fix: install the package")


FAULTS: list[tuple[Plant, str, str]] = [
    (lambda device: device.config.unlink(), "configuration", "check-config"),
    (lambda device: device.config.write_text("url ="), "configuration", "check-config"),
    (lambda device: device.configure("ftp://x"), "configuration", "check-config"),
    (lambda device: device.key_file.chmod(0o644), "api key", "chmod 600"),
    (lambda device: device.key_file.unlink(), "api key", "write the API key into it"),
    (lambda device: (device.root / "etc/version").unlink(), "sources", "version --explain"),
    (lambda device: device.configure("http://firmtrail.invalid"), "name", "/etc/resolv.conf"),
    (lambda device: device.configure("http://127.0.0.1:9"), "connection", "no firewall"),
    (lambda device: device.write(f"/lib/systemd/system/{UNIT}", ""), "service", f"systemctl enable --now {UNIT}"),
]


@pytest.mark.parametrize(
    ("plant", "check", "fix"),
    FAULTS,
    ids=["no config", "bad TOML", "wrong URL", "key mode", "no key", "source", "DNS", "port", "stopped"],
)
async def test_a_planted_fault_is_found_with_what_mends_it(device: Device, plant: Plant, check: str, fix: str) -> None:
    plant(device)

    findings = await examined(device)

    assert findings[check].state == "fault"
    assert fix in findings[check].fix


async def test_what_an_earlier_fault_hides_is_not_called_a_fault(device: Device) -> None:
    device.config.unlink()

    findings = await examined(device)

    assert faults(findings) == {"configuration", "service"}
    assert findings["server"].state == "skipped"


async def test_a_clock_that_is_wrong_is_found(device: Device) -> None:
    findings = await examined(device, wall_time=0)

    assert findings["clock"].fix == "timedatectl set-ntp true"


async def test_a_boot_that_nobody_names_is_found(device: Device) -> None:
    findings = await examined(device, FIRMTRAIL_AGENT_BOOT_ID="")

    assert "mount /proc for the agent" in findings["clock"].fix


async def test_a_disk_that_takes_nothing_is_found(device: Device) -> None:
    findings = await examined(device, STATE_DIRECTORY="/sys")

    assert "neither full nor read-only" in findings["spool"].fix


async def test_a_spool_that_is_no_directory_is_found(device: Device) -> None:
    device.write("/var/lib/firmtrail-agent/spool", "")

    findings = await examined(device)

    assert findings["spool"].detail.endswith("/spool cannot be written: Not a directory")


async def test_a_server_that_hangs_up_is_told_from_one_that_is_silent(device: Device) -> None:
    async def listen_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.close()

    server = await asyncio.start_server(listen_and_hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        device.configure(f"https://127.0.0.1:{port}")
        findings = await examined(device)

    assert findings["tls"].detail == f"port {port} of 127.0.0.1 does not answer: the connection was ended"


async def test_a_name_that_nobody_knows_is_told_in_words(device: Device) -> None:
    device.configure("http://firmtrail.invalid")

    findings = await examined(device)

    assert "Unknown error" not in findings["connection"].detail
    assert faults(findings) >= {"name", "connection"}


async def test_a_full_spool_is_found(device: Device) -> None:
    spool = Spool(device.root / "var/lib/firmtrail-agent/spool", DEVICE, boot_time=lambda: 0.0)
    for number in range(MAX_RECORDS):
        spool.add(observed(f"v{number}", number), urgent=True)

    findings = await examined(device)

    assert findings["spool"].detail == "the spool is full, old records are dropped"


async def test_it_asks_the_server_as_the_boot_that_the_agent_reports_from(device: Device, server: ReportServer) -> None:
    state = device.root / "var/lib/firmtrail-agent"
    state.mkdir(parents=True)
    for number in (1, 2):
        number_boot(uuid.UUID(int=number), state)

    await examined(device, FIRMTRAIL_AGENT_BOOT_ID=str(uuid.UUID(int=2)))

    (batch,) = server.received
    assert (batch.sent["boot_id"], batch.sent["boot_sequence"]) == (str(uuid.UUID(int=2)), 2)
    assert batch.records == []


@pytest.mark.parametrize(("status", "fix"), [(401, "enroll this device again"), (404, "device.id"), (503, "wait")])
async def test_a_server_that_refuses_is_found(device: Device, server: ReportServer, status: int, fix: str) -> None:
    server.answer = refusing(status)

    findings = await examined(device)

    assert faults(findings) == {"server", "service"}
    assert fix in findings["server"].fix


CERTIFICATES: list[tuple[Callable[[Authority], ssl.SSLContext], str]] = [
    (lambda ours: ours.server(), "server.ca_file"),
    (lambda ours: ours.server(days=(-9, -1)), "clock is right"),
    (lambda ours: ours.server(days=(1, 2)), "set the device's clock"),
    (lambda ours: ours.server(ELSEWHERE), "the name that the certificate is for"),
]


@pytest.mark.parametrize(
    ("plant", "fix"),
    CERTIFICATES,
    ids=["unknown authority", "expired", "not yet valid", "another name"],
)
async def test_a_certificate_that_is_not_trusted_is_found(
    device: Device, tmp_path: Path, plant: Callable[[Authority], ssl.SSLContext], fix: str
) -> None:
    ours = Authority(tmp_path, "ours")
    async with speaking_tls(plant(ours)) as url:
        device.configure(url)
        if fix != "server.ca_file":
            device.write(DROP_IN, f'[server]\nca_file = "{ours.file}"\n')

        findings = await examined(device)

    assert (findings["tls"].state, fix in findings["tls"].fix) == ("fault", True)


async def test_a_server_without_tls_is_found(device: Device, server: ReportServer) -> None:
    device.configure(server.url.replace("http", "https"))

    findings = await examined(device)

    assert findings["tls"].fix == "server.url must lead to an HTTPS server"


async def test_a_configured_proxy_is_looked_at_in_the_place_of_the_server(device: Device, server: ReportServer) -> None:
    device.configure("http://firmtrail.invalid")
    device.write(DROP_IN, f'[server]\nproxy = "{server.url}"\n')

    findings = await examined(device)

    assert faults(findings) == {"service"}
    assert f"of the proxy {server.url}" in findings["name"].detail
    assert f"of the proxy {server.url}" in findings["connection"].detail


@pytest.mark.parametrize("is_configured", [True, False])
async def test_a_dead_proxy_is_named_as_what_fails(
    device: Device, monkeypatch: pytest.MonkeyPatch, *, is_configured: bool
) -> None:
    if is_configured:
        device.write(DROP_IN, '[server]\nproxy = "http://127.0.0.1:9"\n')
    else:
        monkeypatch.setenv("HTTP_PROXY", "http://user:neverShow@127.0.0.1:9")

    findings = await examined(device)

    assert faults(findings) >= {"connection", "server"}
    for check in ("connection", "server"):
        assert "proxy http://127.0.0.1:9" in findings[check].detail
        assert "HTTP_PROXY" in findings[check].fix
    assert "neverShow" not in str(findings)


async def test_a_proxy_of_the_environment_that_is_none_is_found(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://user:neverShow@h")

    findings = await examined(device)

    assert "HTTP_PROXY" in findings["server"].detail
    assert "neverShow" not in str(findings)
