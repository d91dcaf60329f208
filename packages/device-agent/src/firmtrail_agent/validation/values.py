"""What a single value of the configuration may be."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from ssl import SSLContext

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_COMPONENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LEAST_PINS = 2
_IN_PEM = "in PEM form that the agent may read"


class Wrong(ValueError):
    """Completes the sentence "must ...". It never quotes the value, which may be a secret at the wrong place."""


def url(value: Any) -> str:
    rule = "be a URL such as https://firmtrail.example.com"
    _http_url(value, rule, "the API key of the device belongs into the file that device.key_file names")
    return value


def proxy(value: Any) -> str:
    rule = "be the URL of an HTTP proxy such as http://proxy.example.com:3128"
    if _http_url(value, rule, "where a proxy wants some, set HTTPS_PROXY for the service instead").path.strip("/"):
        raise Wrong(rule)
    return value


def device_id(value: Any) -> uuid.UUID:
    rule = "be a UUID such as 1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"
    if not _UUID.fullmatch(_text(value, rule)):
        raise Wrong(rule)
    return uuid.UUID(value)


def absolute_path(value: Any) -> str:
    rule = "be an absolute path"
    if not _text(value, rule).startswith("/"):
        raise Wrong(rule)
    return value


def key_file(value: Any) -> Path:
    return Path(absolute_path(value))


def ca_file(value: Any) -> Path:
    file = Path(absolute_path(value))
    load_ca_file(_empty_context(), file)
    return file


def client_cert(value: Any) -> Path:
    file = Path(absolute_path(value))
    load_client_cert(_empty_context(), file)
    return file


def pins(value: Any) -> frozenset[str]:
    """Take a list, or what curl takes: one text with ";" in between."""
    from firmtrail_agent.validation.pins import parse_pin  # noqa: PLC0415  most devices have none, and start faster

    texts: Any = value.split(";") if isinstance(value, str) else value
    rule = 'be a list of pins such as "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="'
    if not isinstance(texts, list):
        raise Wrong(rule)
    try:
        given = frozenset(parse_pin(_text(one, rule).strip()) for one in cast("list[Any]", texts))
    except ValueError:
        raise Wrong(rule) from None
    if len(given) < _LEAST_PINS:
        raise Wrong(
            "name two different pins at least, one of them of a key in reserve: "
            "with one alone, the day on which the server's key is replaced locks the device out"
        )
    return given


def load_ca_file(context: SSLContext, file: Path) -> None:
    """Trust the certificates in a file, or raise `Wrong`."""
    try:
        context.load_verify_locations(file)
    except (OSError, ValueError):
        raise Wrong(f"name a file of certificates {_IN_PEM}") from None


def load_client_cert(context: SSLContext, file: Path) -> None:
    """Show the server the certificate in a file, or raise `Wrong`."""
    try:
        context.load_cert_chain(file, password="")  # with an empty passphrase OpenSSL does not ask the terminal for one
        mode = file.stat().st_mode
    except (OSError, ValueError):
        raise Wrong(f"name a file of a certificate and its private key, without a passphrase, {_IN_PEM}") from None
    if mode & 0o077:
        raise Wrong("name a file that others may not read, for it holds a private key: run chmod 600 on it")


def component(value: Any) -> str:
    rule = "be 1 to 64 of a-z, 0-9, '.', '_' and '-', and start with a letter or a digit"
    if not _COMPONENT.fullmatch(_text(value, rule)):
        raise Wrong(rule)
    return value


def whole_number(minimum: int, maximum: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not minimum <= value <= maximum:
            raise Wrong(f"be a whole number from {minimum} to {maximum}")
        return value

    return check


def one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise Wrong(f"be {' or '.join(choices)}")
        return value

    return check


def _empty_context() -> SSLContext:
    import ssl  # noqa: PLC0415  most devices have no such file, and start faster

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _text(value: Any, rule: str) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise Wrong(rule)
    return value


def _http_url(value: Any, rule: str, where_credentials_belong: str) -> SplitResult:
    try:
        parts = urlsplit(_text(value, rule))
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna").decode("idna")  # what asks for its address does so
    except ValueError:
        raise Wrong(rule) from None
    if parts.username is not None or parts.password is not None:
        raise Wrong(f"hold no credentials: {where_credentials_belong}")
    if not usable or " " in value or parts.query or parts.fragment:
        raise Wrong(f"{rule}, without '?' and '#'")
    return parts
