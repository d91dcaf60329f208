"""Whom the agent trusts: the one way in which reports, enrollment and `doctor` speak TLS with the server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from firmtrail_agent import values
from firmtrail_agent.configuration import BadConfiguration, Server


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
    return context


def _load(key: str, load: Callable[[ssl.SSLContext, Path], None], context: ssl.SSLContext, file: Path) -> None:
    try:
        load(context, file)
    except values.Wrong as wrong:
        raise BadConfiguration([f"{file}: {key} must {wrong}"]) from None
