"""Whom the agent trusts: the same for a report and for `doctor`. Real handshakes on loopback."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import attrs
import pytest

from firmtrail_agent.configuration import BadConfiguration, Server
from firmtrail_agent.trust import new_context
from tests.agent.device import Device
from tests.agent.report_server import ReportServer
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


async def doctor_on_tls(device: Device, **environment: str) -> list[str]:
    """What it says about TLS, and what mends it."""
    lines = (await device.run("doctor", **environment)).stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.split()[1] == "tls"]
    return [line.strip() for line in lines[at : at + 2]]


async def test_the_certificates_of_the_system_are_trusted_by_reports_and_by_the_doctor(
    device: Device, ours: Authority
) -> None:
    environment = {"SSL_CERT_FILE": str(ours.file)}

    assert (await device.run("report", **environment)).code == os.EX_OK
    assert (await doctor_on_tls(device, **environment))[0].startswith("ok")


async def test_what_is_not_in_the_systems_store_is_trusted_by_neither(device: Device) -> None:
    assert (await device.run("report")).code == os.EX_UNAVAILABLE
    told, fix = await doctor_on_tls(device)
    assert told.startswith("fault")
    assert fix.endswith("install ca-certificates")


def test_only_the_systems_store_is_trusted(ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")

    (known,) = new_context(Server(server_url="https://h")).get_ca_certs()

    assert known["subject"] == ((("commonName", "ours"),),)


async def test_the_certificates_of_the_configured_file_are_trusted_too(device: Device, ours: Authority) -> None:
    trust(device, ca_file=ours.file)

    assert (await device.run("report")).code == os.EX_OK
    assert (await doctor_on_tls(device))[0].startswith("ok")


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
def test_a_file_that_is_gone_is_named(tmp_path: Path, key: str) -> None:
    server = attrs.evolve(Server(server_url="https://h"), **{key: tmp_path / "gone.pem"})

    with pytest.raises(BadConfiguration, match=rf"^{tmp_path}/gone.pem: server.{key} must name a file of "):
        new_context(server)
