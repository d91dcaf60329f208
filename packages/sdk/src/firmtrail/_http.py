"""The one module that knows httpx. No httpx type leaves this package."""

from __future__ import annotations

import ssl
import warnings
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpcore
import httpx

from firmtrail._calls import Call
from firmtrail._deadline import DeadlineBackend, DeadlinePassed
from firmtrail._settings import ARGUMENT, Settings, named
from firmtrail._version import __version__
from firmtrail.credentials import ApiKey, Token
from firmtrail.errors import (
    CertificateRefusedError,
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    NotSentError,
    NotTrustedError,
    ProxyFailedError,
    TransportError,
)
from firmtrail.proxies import without_password

T = TypeVar("T")

_CONNECT_SECONDS, _READ_SECONDS, _WRITE_SECONDS, _POOL_SECONDS = 5, 30, 30, 5

#: of every request; a call may say otherwise
_HEADERS = {
    "User-Agent": f"firmtrail-python/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # the least of what is compressed fills all memory
}

#: the request did not leave
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
#: what a server says of a client's certificate, as OpenSSL names it (RFC 8446, section 6.2)
_CERTIFICATE_REQUIRED = "CERTIFICATE_REQUIRED"
_CERTIFICATE_REFUSED = (
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
)
#: anything that keeps a whole answer from coming back; what TLS says of a damaged record httpcore lets through
FAILURES = (httpx.RequestError, OSError, DeadlinePassed)


def new_async_transport(settings: Settings) -> httpx.AsyncHTTPTransport:
    return _opened(httpx.AsyncHTTPTransport, settings)


def new_transport(settings: Settings) -> httpx.HTTPTransport:
    return _opened(_TimedTransport, settings)


class _TimedTransport(httpx.HTTPTransport):
    """Sees every connect, read and write end with its call."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        pool: Any = getattr(self, "_pool", None)  # there is no public place for a network backend
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend):
            pool._network_backend = DeadlineBackend(backend)  # noqa: SLF001
        else:
            message = "With this httpx, a slow server may hold a call beyond its timeout: use httpx 0.28."
            warnings.warn(message, stacklevel=6)


def request_of(call: Call, settings: Settings, shown: ApiKey | Token | None, remaining: float) -> httpx.Request:
    """Build what is sent. A client of httpx would merge into it, each time, what is the same for all.

    Each step of the attempt is bounded, and none by more than is left of the call.
    """
    request = httpx.Request(
        call.method,
        _url(settings.url, call.path, urlencode(call.query)),
        headers=_HEADERS | call.headers,
        content=call.content,
        extensions={
            "timeout": {
                "connect": min(_CONNECT_SECONDS, remaining),
                "read": min(_READ_SECONDS + call.waits_seconds, remaining),
                "write": min(_WRITE_SECONDS, remaining),
                "pool": min(_POOL_SECONDS, remaining),
            }
        },
    )
    if isinstance(shown, ApiKey):
        request.headers["Authorization"] = f"Basic {b64encode(f'{shown.id}:{shown.secret}'.encode()).decode()}"
    elif shown is not None:
        request.headers["Authorization"] = f"Bearer {shown.value}"
    return request


@lru_cache(256)
def _url(base: str, path: str, query: str) -> httpx.URL:
    """Read it once for all the reports of a device."""
    return httpx.URL(f"{base}{path}{'?' if query else ''}{query}")


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Give them by lower-case name; one that came twice is a list (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def failure(error: Exception, call: Call, settings: Settings, *, in_time: bool) -> TransportError:
    """Say in our words, and without an object of httpx, why no whole answer came back."""
    url = settings.url
    if not in_time or isinstance(error, DeadlinePassed):
        message = f"{call.method} {call.path} was not over within the client's timeout."
        return DeadlineExceededError(message, maybe_applied=not call.repeatable)
    if said := _said_of_our_certificate(error):
        return CertificateRefusedError(f"{url} {said}.")
    reason = str(error).rstrip(".") or type(error).__name__
    proxy = without_password(settings.proxy) if settings.proxy else None
    if proxy and _is_of_the_proxy(error):
        return ProxyFailedError(f"The proxy {proxy} cannot be reached, or does not lead to {url}: {reason}.")
    through = f" through the proxy {proxy}" if proxy else ""
    if isinstance(error, _NOT_SENT):
        kind = NotTrustedError if _is_of_certificates(error) else NotSentError
        return kind(f"Cannot reach {url}{through}: {reason}.")
    message = f"The connection to {url}{through} broke before the answer was there: {reason}."
    return ConnectionLostError(message, maybe_applied=not call.repeatable)


def _is_of_the_proxy(error: Exception) -> bool:
    """Where there is a proxy, it is what one connects to; TLS begins when it has led to the server."""
    is_of_tls = _said_by_tls(error) is not None
    return isinstance(error, httpx.ProxyError | httpx.ConnectError | httpx.ConnectTimeout) and not is_of_tls


def _is_of_certificates(error: BaseException) -> bool:
    return isinstance(_said_by_tls(error), ssl.SSLCertVerificationError)


def _said_of_our_certificate(error: BaseException) -> str | None:
    """Tell what an alert of the server means; in TLS 1.3 it comes when the request is under way, and unread."""
    reason: str | None = getattr(_said_by_tls(error), "reason", None)  # one that Python raised itself has none
    if not reason or "_ALERT_" not in reason:
        return None
    if reason.endswith(_CERTIFICATE_REQUIRED):
        return f"asks for a client certificate ({reason})"
    return f"refuses the client certificate ({reason})" if reason.endswith(_CERTIFICATE_REFUSED) else None


def _said_by_tls(error: BaseException) -> ssl.SSLError | None:
    """Find it below what the HTTP library made of it. Causes may lead back to the error, as those of respx do."""
    met: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in met:
        if isinstance(cause, ssl.SSLError):
            return cause
        met.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return None


def _opened(transport: Callable[..., T], settings: Settings) -> T:
    try:
        httpx.URL(settings.url)
        # the settings hold the proxy; of NO_PROXY httpx understands too little
        return transport(verify=settings.ssl_context or _tls(settings), proxy=settings.proxy, trust_env=False)
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        reason = type(error).__name__  # its own text may repeat a proxy's URL, and the password in it
    raise ConfigError(
        f"No connection can be set up ({reason}); "
        "check the url, the variables HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, and SSL_CERT_FILE and SSL_CERT_DIR."
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    """Read the usual certificates, which takes a while, only for https://: no redirect from http:// is followed."""
    is_plain = settings.url.startswith("http://")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else httpx.create_ssl_context()
    ca_file, client_cert = settings.ca_file, settings.client_cert
    if ca_file:
        source = settings.sources.get("ca_file", ARGUMENT)
        _load("ca_file", "certificates", ca_file, lambda: context.load_verify_locations(ca_file), source=source)
    if client_cert:
        content = "a certificate and its private key, without a passphrase,"
        # with an empty passphrase OpenSSL does not ask the terminal for one
        _load("client_cert", content, client_cert, lambda: context.load_cert_chain(client_cert, password=""))
    return context


def _load(name: str, content: str, file: Path, load: Callable[[], None], *, source: str = ARGUMENT) -> None:
    try:
        load()
    except (ssl.SSLError, ValueError):
        reason = "it does not hold them"
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    else:
        return
    message = f" must name a file of {content} in PEM form, and {file} is not one: {reason}."
    raise ConfigError.said(name + message, in_shell=named(name, source) + message)
