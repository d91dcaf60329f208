"""Servers whose certificates no public authority has signed: real handshakes on loopback."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from firmtrail import AsyncClient, Client, ConfigError, NotFoundError, NotSentError
from tests.sdk.conftest import MisbehavingServer, answering

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("firmtrail.example.com")


class Authority:
    """A certificate authority of one's own; `file` holds its certificate."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._sign(self._name, self._key.public_key(), days=1, ca=True)))

    def server(self, place: x509.GeneralName = LOOPBACK, *, days: int = 1) -> ssl.SSLContext:
        """What a server of that place needs to prove who it is; valid for so many days, or until so many ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._folder / "server.pem"
        file.write_bytes(_private(key) + _pem(self._sign(x509.Name([]), key.public_key(), days=days, place=place)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        days: int,
        ca: bool = False,
        place: x509.GeneralName = LOOPBACK,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        unsigned = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=9))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([place]), critical=not ca)
        )
        return unsigned.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "other")


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncGenerator[str]:
    """A server that knows of nothing: whoever gets its 404 has trusted it."""
    behaviour = MisbehavingServer(behaviours=[answering(404)])
    async with await asyncio.start_server(behaviour.serve, "127.0.0.1", 0, ssl=context) as listening:
        yield "https://127.0.0.1:{1}".format(*listening.sockets[0].getsockname())


async def ask_async(url: str | None, ca_file: Path | None = None) -> None:
    async with AsyncClient(url, ca_file=ca_file, attempts=1) as client:
        await client.seed()


async def ask_sync(url: str | None, ca_file: Path | None = None) -> None:
    def use() -> None:
        with Client(url, ca_file=ca_file, attempts=1) as client:
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
        with pytest.raises(NotSentError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(url)


async def test_a_server_of_another_authority_is_not_trusted(ask: Ask, ours: Authority, other: Authority) -> None:
    async with serving(other.server()) as url:
        with pytest.raises(NotSentError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(url, ours.file)


async def test_a_certificate_for_another_place_is_not_trusted(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server(ELSEWHERE)) as url:
        with pytest.raises(NotSentError, match="IP address mismatch"):
            await ask(url, ours.file)


async def test_a_certificate_that_has_expired_is_not_trusted(ask: Ask, ours: Authority) -> None:
    async with serving(ours.server(days=-1)) as url:
        with pytest.raises(NotSentError, match="certificate has expired"):
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


@pytest.fixture(params=["missing", "a folder", "empty", "text", "a private key", "bytes"])
def no_certificates(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    contents = {
        "empty": b"",
        "text": b"not PEM",
        "a private key": _private(ec.generate_private_key(ec.SECP256R1())),
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
