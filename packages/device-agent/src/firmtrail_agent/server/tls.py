"""Whom the agent trusts: the one way in which reports, enrollment and `doctor` speak TLS with the server."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, cast

from firmtrail_agent.config.configuration import BadConfiguration, Server
from firmtrail_agent.validation import values
from firmtrail_agent.validation.pins import pin_of

_DER = 2  # as OpenSSL counts the forms of a certificate


class PinMismatch(ssl.SSLCertVerificationError):
    """The server is trusted, and shows none of the keys that were pinned; `seen` are the pins of those it shows."""

    def __init__(self, seen: Sequence[str]) -> None:
        message = f"no key of the server's certificates is one of server.pins; its own has the pin {seen[0]}"
        super().__init__(ssl.SSL_ERROR_SSL, message)
        self.seen = seen


def new_context(server: Server) -> ssl.SSLContext:
    """Trust the system's certificates (SSL_CERT_FILE and SSL_CERT_DIR name others) and those of server.ca_file.

    Raises:
        BadConfiguration: a file cannot be used any more.
    """
    context = ssl.create_default_context()
    if server.ca_file:
        _load("server.ca_file", values.load_ca_file, context, server.ca_file)
    if server.client_cert:
        _load("server.client_cert", values.load_client_cert, context, server.client_cert)
    if server.pins:
        context.sslsocket_class, context.sslobject_class = _pinned_to(server.pins)
    return context


def pins_of(connection: ssl.SSLObject | ssl.SSLSocket) -> list[str]:
    """List the pins of a server's verified certificates, its own first and the one that is trusted last."""
    if sys.version_info >= (3, 13):
        chain = connection.get_verified_chain()
    else:  # there already, but not public
        inner = cast("Any", connection)._sslobj  # noqa: SLF001  see above
        chain = [certificate.public_bytes(_DER) for certificate in inner.get_verified_chain()]
    return [pin_of(certificate) for certificate in chain]


def _pinned_to(pins: AbstractSet[str]) -> tuple[type[ssl.SSLSocket], type[ssl.SSLObject]]:
    """Make the classes of connections whose handshake fails unless one of these keys is shown: before a byte is sent.

    Reports go over the first, and through a proxy that speaks TLS itself over the second; so does what `doctor` does.
    """

    def check(connection: ssl.SSLSocket | ssl.SSLObject) -> None:
        if pins.isdisjoint(seen := pins_of(connection)):
            raise PinMismatch(seen)

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  as the library has it
            super().do_handshake(block)
            check(self)

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            check(self)

    return PinnedSocket, PinnedObject


def _load(key: str, load: Callable[[ssl.SSLContext, Path], None], context: ssl.SSLContext, file: Path) -> None:
    try:
        load(context, file)
    except values.Wrong as wrong:
        raise BadConfiguration([f"{file}: {key} must {wrong}"]) from None
