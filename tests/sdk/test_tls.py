"""Servers whose certificates no public authority has signed: real handshakes on loopback."""

from __future__ import annotations

import asyncio
import pickle
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from firmtrail import (
    AsyncClient,
    CertificateRefusedError,
    Client,
    ConfigError,
    ConnectionLostError,
    NotFoundError,
    NotTrustedError,
    TransportError,
)
from tests.alerts import refusing_clients
from tests.authority import ELSEWHERE, Authority, new_key, private_pem
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering

#: records as they lie on the wire: one of data that nobody has encrypted, and an alert in the clear
DAMAGED = {"data": b"\x17\x03\x03\x00\x20" + bytes(32), "alert": b"\x15\x03\x03\x00\x02\x02\x28"}


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "other")


@asynccontextmanager
async def serving(context: ssl.SSLContext, how: Behaviour | None = None) -> AsyncGenerator[str]:
    """A server that knows of nothing, unless told otherwise: whoever gets its 404 has trusted it."""
    behaviour = MisbehavingServer(behaviours=[how or answering(404)])
    async with await asyncio.start_server(behaviour.serve, "127.0.0.1", 0, ssl=context) as listening:
        yield "https://127.0.0.1:{1}".format(*listening.sockets[0].getsockname())


async def ask_async(url: str | None, ca_file: Path | None = None, client_cert: Path | None = None) -> None:
    async with AsyncClient(url, ca_file=ca_file, client_cert=client_cert, attempts=1) as client:
        await client.seed()


async def ask_sync(url: str | None, ca_file: Path | None = None, client_cert: Path | None = None) -> None:
    def use() -> None:
        with Client(url, ca_file=ca_file, client_cert=client_cert, attempts=1) as client:
            client.seed()

    await asyncio.to_thread(use)


Ask = Callable[..., Awaitable[None]]


@pytest.fixture(params=[ask_async, ask_sync])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


async def test_a_server_of_an_authority_of_ones_own_is_trusted_with_its_file(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server()) as url:
        with pytest.raises(NotFoundError):
            await ask(url, ours.file)


async def test_without_the_file_nothing_is_sent(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server()) as url:
        with pytest.raises(NotTrustedError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(url)


async def test_a_server_of_another_authority_is_not_trusted(ask: Ask, ours: Authority, other: Authority) -> None:
    async with serving(other.server()) as url:
        with pytest.raises(NotTrustedError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(url, ours.file)


async def test_a_certificate_for_another_place_is_not_trusted(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server(ELSEWHERE)) as url:
        with pytest.raises(NotTrustedError, match="IP address mismatch"):
            await ask(url, ours.file)


async def test_a_certificate_that_has_expired_is_not_trusted(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server(days=(-9, -1))) as url:
        with pytest.raises(NotTrustedError, match="certificate has expired"):
            await ask(url, ours.file)


async def test_the_usual_certificates_are_trusted_too(
    ask: Ask, ours: Authority, other: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    async with serving(other.server()) as url:
        with pytest.raises(NotFoundError):
            await ask(url, ours.file)


async def test_the_environment_may_name_the_file(ask: Ask, ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRMTRAIL_CA_FILE", str(ours.file))
    async with serving(ours.server()) as url:
        with pytest.raises(NotFoundError):
            await ask(url)


async def test_a_server_that_asks_for_a_certificate_gets_ours(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server_for_known_clients()) as url:
        with pytest.raises(NotFoundError):
            await ask(url, ours.file, ours.client())


async def test_a_server_that_asks_for_a_certificate_hears_nobody_without_one(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server_for_known_clients()) as url:
        with pytest.raises(TransportError):
            await ask(url, ours.file)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", ["of another authority", "expired"])
async def test_a_server_that_refuses_our_certificate_is_told_from_one_that_is_not_there(
    ask: Ask, ours: Authority, other: Authority, shown: str, version: ssl.TLSVersion
) -> None:
    context = ours.server_for_known_clients()
    context.maximum_version = version
    certificate = ours.client(days=(-9, -1)) if shown == "expired" else other.client()
    async with refusing_clients(context) as url:
        with pytest.raises(CertificateRefusedError, match="refuses the client certificate") as refused:
            await ask(url, ours.file, certificate)

    assert not refused.value.maybe_applied


async def test_a_server_that_misses_our_certificate_says_so(ask: Ask, ours: Authority) -> None:
    async with refusing_clients(ours.server_for_known_clients()) as url:
        with pytest.raises(CertificateRefusedError, match="asks for a client certificate"):
            await ask(url, ours.file)


@pytest.mark.parametrize("record", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{"], ids=["at once", "later"])
async def test_a_damaged_record_of_tls_is_a_lost_connection(
    ask: Ask, ours: Authority, record: bytes, begun: bytes
) -> None:
    async def damaging(writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        beneath: Any = cast("Any", writer.transport)._ssl_protocol._transport
        beneath.write(record)

    async with serving(ours.server(), damaging) as url:
        with pytest.raises(ConnectionLostError, match="SSL") as lost:
            await ask(url, ours.file)

    assert (lost.value.maybe_applied, lost.value.__cause__) == (True, None)
    pickle.loads(pickle.dumps(lost.value))


@pytest.mark.parametrize("trusted", ["ours", "other"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_context_of_the_callers_own_decides_alone(
    kind: type[Client | AsyncClient], ours: Authority, other: Authority, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    monkeypatch.setenv("FIRMTRAIL_CA_FILE", str(other.file))
    context = ssl.create_default_context(cafile=(ours if trusted == "ours" else other).file)
    async with serving(ours.server()) as url:
        client = kind(url, ssl_context=context, attempts=1)
        with pytest.raises(NotFoundError if trusted == "ours" else NotTrustedError):
            await (client.seed() if isinstance(client, AsyncClient) else asyncio.to_thread(client.seed))
        await (client.aclose() if isinstance(client, AsyncClient) else asyncio.to_thread(client.close))


def test_a_context_and_a_file_are_not_both_taken(ours: Authority) -> None:
    with pytest.raises(ConfigError, match="ssl_context, or ca_file and client_cert"):
        Client("https://127.0.0.1", ssl_context=ssl.create_default_context(), ca_file=ours.file)


@pytest.fixture(params=["missing", "a folder", "empty", "text", "a private key", "bytes"])
def no_certificates(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    contents = {
        "empty": b"",
        "text": b"not PEM",
        "a private key": private_pem(new_key()),
        "bytes": bytes(range(256)),
    }
    file = tmp_path / "certificates"
    if request.param in contents:
        file.write_bytes(contents[request.param])
    elif request.param == "a folder":
        file.mkdir()
    return file


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_file_without_certificates_is_refused_in_one_sentence_before_any_call(
    kind: type[Client | AsyncClient], no_certificates: Path
) -> None:
    with pytest.raises(ConfigError, match=rf"ca_file .* PEM .*{no_certificates} is not one: [^.]+\.$"):
        kind("https://127.0.0.1", ca_file=no_certificates)


@pytest.mark.parametrize("content", ["", "no PEM", "an encrypted key"])
def test_a_client_certificate_that_cannot_be_used_is_refused_and_nobody_is_asked_for_a_passphrase(
    ours: Authority, content: str
) -> None:
    file = ours.client(passphrase=b"x")
    if content != "an encrypted key":
        file.write_text(content)

    with pytest.raises(ConfigError, match=rf"client_cert .* without a passphrase, .*{file} is not one"):
        Client("https://127.0.0.1", client_cert=file)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_usual_certificates_are_not_read_for_a_server_without_tls(
    kind: type[Client | AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing")

    kind("http://127.0.0.1")
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        kind("https://127.0.0.1")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_proxy_that_is_none_is_refused_without_its_password(kind: type[Client | AsyncClient]) -> None:
    with pytest.raises(ConfigError) as caught:
        kind("https://127.0.0.1", proxy="ftp://user:neverShow@h")

    assert "neverShow" not in str(caught.value)
