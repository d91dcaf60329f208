"""Whom the agent trusts: the same for a report and for `doctor`. Real handshakes on loopback."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import attrs
import pytest

from firmtrail_agent.config.configuration import BadConfiguration, Server
from firmtrail_agent.server.tls import new_context
from tests.agent.support.device import Device
from tests.agent.support.doctor import examined
from tests.agent.support.report_server import ReportServer
from tests.agent.support.virtual_time import VirtualTime, running
from tests.alerts import refusing_clients
from tests.authority import Authority

DROP_IN = "/etc/firmtrail-agent/config.d/1.toml"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
async def server(ours: Authority) -> AsyncGenerator[ReportServer]:
    async with ReportServer(ours.server()) as running:
        yield running


def trust(device: Device, **settings: object) -> None:
    lines = [f'{key} = "{value}"' for key, value in settings.items()]
    device.write(DROP_IN, "\n".join(["[server]", *lines]))


async def test_the_certificates_of_the_system_are_trusted_by_reports_and_by_the_doctor(
    device: Device, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))

    assert (await device.run("report")).code == os.EX_OK
    assert (await examined(device))["tls"].state == "ok"


async def test_what_is_not_in_the_systems_store_is_trusted_by_neither(device: Device) -> None:
    result = await device.run("report")
    assert (result.code, "server not trusted" in result.stdout) == (os.EX_UNAVAILABLE, True)
    found = (await examined(device))["tls"]
    assert (found.state, found.fix.endswith("install ca-certificates")) == ("fault", True)


def test_only_the_systems_store_is_trusted(ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")

    (known,) = new_context(Server(server_url="https://h")).get_ca_certs()

    assert known["subject"] == ((("commonName", "ours"),),)


async def test_the_certificates_of_the_configured_file_are_trusted_too(device: Device, ours: Authority) -> None:
    trust(device, ca_file=ours.file)

    assert (await device.run("report")).code == os.EX_OK
    assert (await examined(device))["tls"].state == "ok"


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
def test_a_file_that_is_gone_is_named(tmp_path: Path, key: str) -> None:
    server = attrs.evolve(Server(server_url="https://h"), **{key: tmp_path / "gone.pem"})

    with pytest.raises(BadConfiguration, match=rf"^{tmp_path}/gone.pem: server.{key} must name a file of "):
        new_context(server)


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
@pytest.mark.parametrize("content", [None, b"rotten"], ids=["gone", "rotten"])
async def test_a_file_that_breaks_while_it_runs_is_a_trouble_that_passes(
    device: Device, ours: Authority, capfd: pytest.CaptureFixture[str], key: str, content: bytes | None
) -> None:
    time, files = VirtualTime(), {"ca_file": ours.file, "client_cert": ours.client()}
    good = files[key].read_bytes()
    async with ReportServer(ours.server_for_known_clients()) as server:
        device.configure(server.url)
        trust(device, **files)
        async with running(device, time):
            await server.arrival()
            files[key].unlink() if content is None else files[key].write_bytes(content)
            await time.passes(2 * 3600)
            assert len(server.received) == 1
            files[key].write_bytes(good)
            files[key].chmod(0o600)

            await server.arrival()
            await server.arrival()

    *warnings, end = capfd.readouterr().err.splitlines()
    told = f"firmtrail-agent: server not reachable: {files[key]}: server.{key} must name a file of "
    assert [line for line in warnings if not line.startswith(told)] == []
    assert end == "firmtrail-agent: the server takes reports again"


async def test_a_renewed_client_certificate_is_shown_without_a_restart(
    device: Device, ours: Authority, tmp_path: Path
) -> None:
    time, other = VirtualTime(), Authority(tmp_path, "other")
    wrong = other.client().read_bytes()
    certificate = ours.client()
    renewed = certificate.read_bytes()
    async with ReportServer(ours.server_for_known_clients()) as server:
        device.configure(server.url)
        trust(device, ca_file=ours.file, client_cert=certificate)
        certificate.write_bytes(wrong)
        async with running(device, time):
            await time.passes(2 * 3600)
            assert server.received == []
            certificate.write_bytes(renewed)

            await server.arrival()


async def test_a_server_that_asks_for_a_certificate_is_told_with_the_setting_that_names_one(
    device: Device, ours: Authority
) -> None:
    async with refusing_clients(ours.server_for_known_clients()) as url:
        device.configure(url)
        trust(device, ca_file=ours.file)

        result, found = await device.run("report"), await examined(device)

    assert (result.code, "client certificate refused" in result.stdout) == (os.EX_CONFIG, True)
    assert "server.client_cert must name one that it takes" in result.stderr
    assert (found["server"].state, "server.client_cert" in found["server"].fix) == ("fault", True)


async def test_a_server_that_asks_for_a_certificate_with_tls_1_2_ends_the_handshake_with_the_same_fix(
    device: Device, ours: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    context = ours.server_for_known_clients()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with refusing_clients(context) as url:
        device.configure(url)
        trust(device, ca_file=ours.file, client_cert=Authority(tmp_path / "other", "other").client())

        found = await examined(device)

    assert (found["tls"].state, "server.client_cert" in found["tls"].fix) == ("fault", True)


async def test_the_doctor_thinks_of_a_certificate_when_a_server_hangs_up_without_a_word(
    device: Device, ours: Authority
) -> None:
    async with ReportServer(ours.server_for_known_clients()) as server:
        device.configure(server.url)
        trust(device, ca_file=ours.file)

        found = (await examined(device))["server"]

    assert (found.state, "server.client_cert" in found.fix) == ("fault", True)


@pytest.mark.parametrize("command", ["check-config", "doctor"])
async def test_a_bad_file_is_said_before_the_start(device: Device, ours: Authority, command: str) -> None:
    trust(device, ca_file=ours.file)
    ours.file.write_text("rotten")

    result = await device.run(command)

    assert result.code == (os.EX_CONFIG if command == "check-config" else 1)
    assert "server.ca_file must name a file of certificates in PEM form" in result.stdout
