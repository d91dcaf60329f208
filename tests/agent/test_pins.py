"""Pins: a server that is trusted and shows no pinned key hears nothing. Real handshakes on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.agent.support.device import Device
from tests.agent.support.doctor import examined
from tests.agent.support.report_server import ReportServer
from tests.agent.support.tunnel import tunnelling
from tests.agent.support.virtual_time import VirtualTime, running
from tests.authority import Authority

DROP_IN = "/etc/firmtrail-agent/config.d/1.toml"
IN_RESERVE = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
OF_ANOTHER = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def pin(file: Path) -> str:
    key = x509.load_pem_x509_certificate(file.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return f"sha256/{base64.b64encode(digest).decode()}"


def pin_of_the_server(ours: Authority) -> str:
    """That of the certificate that was issued last."""
    return pin(ours.file.parent / "server.pem")


def configure(device: Device, ours: Authority, pins: list[str], **more: str) -> None:
    lines = ["[server]", f'ca_file = "{ours.file}"', f"pins = {pins}"]
    lines += [f'{key} = "{value}"' for key, value in more.items()]
    device.write(DROP_IN, "\n".join(lines))


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server that shakes hands and answers nothing: its URL, and what it heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield "https://127.0.0.1:{1}".format(*server.sockets[0].getsockname()), heard


@pytest.mark.parametrize("pinned", ["the server's key", "the authority's key"])
async def test_a_server_that_shows_a_pinned_key_gets_reports(device: Device, ours: Authority, pinned: str) -> None:
    async with ReportServer(ours.server()) as server:
        device.configure(server.url)
        configure(device, ours, [IN_RESERVE, pin_of_the_server(ours) if "server" in pinned else pin(ours.file)])

        assert (await device.run("report")).code == os.EX_OK
        assert server.versions() == {"main": "1.4.2"}


async def test_a_server_that_is_trusted_and_shows_no_pinned_key_hears_nothing(device: Device, ours: Authority) -> None:
    async with listening(ours.server()) as (url, heard):
        device.configure(url)
        configure(device, ours, [IN_RESERVE, OF_ANOTHER])

        result = await device.run("report")

    assert (result.code, b"".join(heard)) == (os.EX_UNAVAILABLE, b"")
    assert f"is one of server.pins; its own has the pin {pin_of_the_server(ours)}" in result.stderr


async def test_a_pinned_key_does_not_make_an_authority_trusted(device: Device, ours: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    async with listening(other.server()) as (url, heard):
        device.configure(url)
        configure(device, ours, [pin_of_the_server(other), pin(other.file)])

        result = await device.run("report")

    assert (result.code, b"".join(heard)) == (os.EX_UNAVAILABLE, b"")
    assert "CERTIFICATE_VERIFY_FAILED" in result.stderr


@pytest.mark.parametrize("is_pinned", [True, False])
async def test_pins_hold_in_the_tunnel_of_a_proxy(device: Device, ours: Authority, *, is_pinned: bool) -> None:
    async with ReportServer(ours.server()) as server, tunnelling() as (proxy, asked):
        device.configure(server.url)
        configure(device, ours, [IN_RESERVE, pin_of_the_server(ours) if is_pinned else OF_ANOTHER], proxy=proxy)

        code = (await device.run("report")).code

        assert set(asked) == {server.url.removeprefix("https://")}
        assert (code, len(server.received)) == ((os.EX_OK, 1) if is_pinned else (os.EX_UNAVAILABLE, 0))


async def test_every_new_connection_is_held_to_the_pins_and_a_lost_one_comes_back(
    device: Device, ours: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    time, context = VirtualTime(), ours.server()
    right_key = (ours.file.parent / "server.pem").read_bytes()
    async with ReportServer(context) as server:
        device.configure(server.url)
        configure(device, ours, [IN_RESERVE, pin_of_the_server(ours)])
        async with running(device, time):
            await server.arrival()
            ours.server()  # another key
            context.load_cert_chain(ours.file.parent / "server.pem")
            await server.hang_up()
            await time.passes(2 * 3600)
            assert len(server.received) == 1
            (ours.file.parent / "server.pem").write_bytes(right_key)
            context.load_cert_chain(ours.file.parent / "server.pem")

            await server.arrival()
            await server.arrival()

    *warnings, end = capfd.readouterr().err.splitlines()
    refusals = [line for line in warnings if "server not trusted: " in line]
    assert "no key of the server's certificates is one of server.pins" in refusals[0]
    assert end.endswith("the server takes reports again")


async def test_who_is_not_trusted_is_told_from_who_is_not_there(
    device: Device, ours: Authority, capfd: pytest.CaptureFixture[str]
) -> None:
    time = VirtualTime()
    async with ReportServer(ours.server()) as gone:
        device.configure(gone.url)
    configure(device, ours, [IN_RESERVE, OF_ANOTHER])
    async with running(device, time):
        await time.passes(1800)
        async with ReportServer(ours.server(), urlsplit(gone.url).port or 0):
            await time.passes(1800)

    lines = [line for line in capfd.readouterr().err.splitlines() if "server not" in line]
    assert [line.split(": ")[1] for line in lines] == ["server not reachable", "server not trusted"]


async def test_the_doctor_shows_what_can_be_pinned(device: Device, ours: Authority) -> None:
    async with ReportServer(ours.server()) as server:
        device.configure(server.url)
        device.write(DROP_IN, f'server.ca_file = "{ours.file}"')

        told = (await examined(device))["tls"].detail

    assert told.endswith(f"is trusted; the pins of its chain: {pin_of_the_server(ours)}, {pin(ours.file)}")


async def test_the_doctor_shows_what_can_be_pinned_behind_a_configured_proxy(device: Device, ours: Authority) -> None:
    async with ReportServer(ours.server()) as server, tunnelling() as (proxy, _):
        device.configure(server.url)
        device.write(DROP_IN, f'[server]\nca_file = "{ours.file}"\nproxy = "{proxy}"\n')

        told = (await examined(device))["tls"].detail

    assert told.endswith(f"is trusted; the pins of its chain: {pin_of_the_server(ours)}, {pin(ours.file)}")


async def test_the_doctor_compares_with_what_it_sees_behind_a_configured_proxy(device: Device, ours: Authority) -> None:
    async with ReportServer(ours.server()) as server, tunnelling() as (proxy, _):
        device.configure(server.url)
        configure(device, ours, [IN_RESERVE, OF_ANOTHER], proxy=proxy)

        found = (await examined(device))["tls"]

    assert (found.state, pin_of_the_server(ours) in found.fix) == ("fault", True)


async def test_the_doctor_says_that_a_proxy_does_not_lead_to_the_server(device: Device, server: ReportServer) -> None:
    device.configure("https://firmtrail.invalid")
    device.write(DROP_IN, f'[server]\nproxy = "{server.url}"\n')

    found = (await examined(device))["tls"]

    assert (found.state, found.detail) == ("fault", "the proxy does not lead to firmtrail.invalid:443: 404")


async def test_the_doctor_says_that_the_pins_hold(device: Device, ours: Authority) -> None:
    async with ReportServer(ours.server()) as server:
        device.configure(server.url)
        configure(device, ours, [IN_RESERVE, pin_of_the_server(ours)])

        told = (await examined(device))["tls"].detail

    assert "the certificate is trusted and pinned" in told


async def test_the_doctor_compares_with_what_it_sees(device: Device, ours: Authority) -> None:
    async with ReportServer(ours.server()) as server:
        device.configure(server.url)
        configure(device, ours, [IN_RESERVE, OF_ANOTHER])

        found = (await examined(device))["tls"]

    assert found.state == "fault"
    assert f"{pin_of_the_server(ours)}, {pin(ours.file)}" in found.fix
