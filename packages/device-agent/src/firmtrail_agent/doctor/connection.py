"""The way to the server, one step after the other: its name, a connection, TLS, and whether it knows the API key."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

from firmtrail import ConnectionLostError, FirmtrailError
from firmtrail.proxies import without_password
from firmtrail_agent.config.configuration import BadConfiguration, Configuration, Server
from firmtrail_agent.config.credentials import Credential
from firmtrail_agent.server import tls
from firmtrail_agent.server.client import open_connection, proxy_of
from firmtrail_agent.server.failures import Trouble, failure_of
from firmtrail_agent.state.device import borrow_device
from firmtrail_agent.system.host import Host

_PATIENCE_SECONDS = 5.0
#: as OpenSSL numbers them
_NOT_YET_VALID, _EXPIRED, _WRONG_NAME, _WRONG_ADDRESS = 9, 10, 62, 64
_MEANT_NAME = "server.url must hold the name that the certificate is for"
_MEND_PROXY = "see that server.proxy, or HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, name the right proxy"
_FIXES = {
    Trouble.CREDENTIALS: "enroll this device again, or give it another API key",
    Trouble.CONFIGURATION: "mend server.url or device.id",
    Trouble.CERTIFICATE_REFUSED: "name a certificate that the server takes, with its key, in server.client_cert",
    Trouble.NOT_TRUSTED: "see what the check of its certificate says",
    Trouble.PROXY_FAILED: _MEND_PROXY,
    Trouble.NOT_REACHABLE: "mend the network",
    Trouble.TEMPORARY: "wait; the server's operator knows more",
    Trouble.REJECTED: "the server speaks another version: update the agent or the server",
}
_OF_CERTIFICATES = {
    _NOT_YET_VALID: "set the device's clock: timedatectl set-ntp true",
    _EXPIRED: "see that the device's clock is right; else the server's operator has to renew the certificate",
    _WRONG_NAME: _MEANT_NAME,
    _WRONG_ADDRESS: _MEANT_NAME,
}
_UNTRUSTED = (
    "if the server has an authority of its own, name its certificate in server.ca_file; "
    "else see that this device has the public ones: install ca-certificates"
)
_CHANGED_KEY = (
    "if the server's operator has replaced its key, put one of these into server.pins: {}; "
    "if not, somebody else answers in its place"
)
_WITHOUT_A_WORD = "wait; if the server asks for a client certificate, name one that it takes in server.client_cert"
_NOT_THE_SERVER = "see that server.url leads to a Firmtrail server, and what answers in its place: a proxy or a portal"
_HTTPS = "server.url must lead to an HTTPS server"
_SCHEMES = {"http", "https"}
_MEND_IT = "mend what it names"


class Fault(Exception):
    """Something keeps reports from arriving; `fix` says what mends it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


async def look_up(server: Server) -> str:
    """Ask for the address of the server, or of the proxy on the way."""
    place, whose = _nearest(server)
    if place.scheme not in _SCHEMES:
        return f"the affair of the proxy {whose}"
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(place.hostname, _port(place))
    except OSError as error:
        fix = f"{_MEND_PROXY if whose else 'mend server.url'}, or the DNS of this device: /etc/resolv.conf"
        raise Fault(
            f"the name {place.hostname}{_of(whose)} leads nowhere: {error or 'no answer in time'}", fix
        ) from None
    return f"{place.hostname}{_of(whose)} is {found[0][4][0]}"


async def connect(server: Server) -> str:
    """Open a connection to the server, or to the proxy on the way."""
    place, whose = _nearest(server)
    if place.scheme not in _SCHEMES:
        return f"the affair of the proxy {whose}"
    await _open(place, None, whose=whose)
    return f"port {_port(place)}{_of(whose)} answers"


async def shake_hands(server: Server) -> str:
    """See whether the server's certificate is trusted, also through a proxy."""
    parts, (place, whose) = urlsplit(server.server_url), _nearest(server)
    if parts.scheme == "http":
        return "not used: server.url begins with http"
    if whose and place.scheme != "http":
        return f"the affair of the proxy {whose}"
    try:
        connection = await _open(parts, tls.new_context(server), proxy=place if whose else None, whose=whose)
    except BadConfiguration as error:
        raise Fault(str(error), _MEND_IT) from None
    except tls.PinMismatch as error:
        raise Fault(str(error), _CHANGED_KEY.format(", ".join(error.seen))) from None
    except ssl.SSLCertVerificationError as error:
        fix = _OF_CERTIFICATES.get(error.verify_code, _UNTRUSTED)
        raise Fault(f"the certificate is not trusted: {error.verify_message}", fix) from None
    except ssl.SSLError as error:
        fix = _FIXES[Trouble.CERTIFICATE_REFUSED] if "_ALERT_" in (error.reason or "") else _HTTPS
        raise Fault(f"no TLS: {error.reason}", fix) from None
    pins = ", ".join(tls.pins_of(connection))
    return f"the certificate is trusted{' and pinned' if server.pins else ''}; the pins of its chain: {pins}"


async def knock(chosen: Configuration, credential: Credential, host: Host) -> str:
    """Ask the server whether it takes reports of this device, with a batch that holds none."""
    clocks = borrow_device(host, chosen.device_id).clocks
    sent = clocks.read()  # of another boot or number it would look like another machine
    try:
        async with open_connection(chosen, credential.api_key, attempts=1, timeout=10) as connection:
            await connection.report_batch(chosen.device_id, [], sent=sent)
    except BadConfiguration as error:
        raise Fault(str(error), _MEND_IT) from None
    except FirmtrailError as error:
        failure = failure_of(error)
        fix = _WITHOUT_A_WORD if isinstance(error, ConnectionLostError) else _FIXES[failure.trouble]
        fix = _NOT_THE_SERVER if failure.is_foreign else fix
        raise Fault(f"{failure.trouble}: {failure.message}", fix) from None
    return "it takes reports of this device"


async def _open(
    parts: SplitResult, context: ssl.SSLContext | None, *, whose: str, proxy: SplitResult | None = None
) -> ssl.SSLObject:
    nearest = proxy or parts
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(
                nearest.hostname, _port(nearest), ssl=None if proxy else context
            )
            try:
                if proxy and context:
                    await _tunnel(reader, writer, parts, proxy)
                    await writer.start_tls(context, server_hostname=parts.hostname)
                return writer.get_extra_info("ssl_object")
            finally:
                writer.transport.abort()
    except ssl.SSLError:
        raise
    except OSError as error:
        port = _MEND_PROXY if whose else "see that its URL has its port"
        fix = f"{port}, that it runs, and that no firewall is in between"
        message = f"port {_port(nearest)} of {nearest.hostname}{_of(whose)} does not answer: {_reason(error)}"
        raise Fault(message, fix) from None


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):  # its numbers are not those of the system
        return str(error.strerror)
    return os.strerror(error.errno) if error.errno else "the connection was ended"


async def _tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parts: SplitResult, proxy: SplitResult
) -> None:
    """Let a proxy lead to the server (RFC 9110, section 9.3.6)."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    place = f"{host}:{_port(parts)}"
    shown = f"Proxy-Authorization: Basic {_basic(proxy)}\r\n" if proxy.username else ""
    writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{shown}\r\n".encode())
    try:
        _, status, *_ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split()
    except (EOFError, asyncio.LimitOverrunError, ValueError):
        status = "no HTTP"
    if not status.startswith("2"):
        raise Fault(f"the proxy does not lead to {place}: {status}", f"{_MEND_PROXY}, and what it allows")


def _basic(proxy: SplitResult) -> str:
    return b64encode(f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()).decode()


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _nearest(server: Server) -> tuple[SplitResult, str]:
    """Say what is connected to: a proxy, with its name for people, or the server."""
    proxy = proxy_of(server)
    if proxy is None:
        return urlsplit(server.server_url), ""
    try:
        place = urlsplit(proxy)
        _port(place)
    except ValueError:
        raise Fault("the proxy's URL is none", _MEND_PROXY) from None
    return place, without_password(proxy)


def _of(whose: str) -> str:
    return f" of the proxy {whose}" if whose else ""
