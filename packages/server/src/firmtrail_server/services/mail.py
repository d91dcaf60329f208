"""Sending e-mail by SMTP, where the operator has configured it. Nothing of a message is logged."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from email.header import Header
from email.mime.text import MIMEText
from urllib.parse import unquote, urlsplit

import attrs

from firmtrail_contract import Violation, email_limits

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 10
_AT_ONCE = 2
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class BadSmtp(Exception):
    """The URL or the sender cannot be used. The message repeats neither: the URL may hold a password."""


@attrs.frozen(kw_only=True)
class Smtp:
    """The server that takes our messages."""

    #: `smtp` without encryption, `smtp+starttls` or `smtps` with it
    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    sender: str


def read_smtp(url: str, sender: str) -> Smtp:
    """Read a URL such as `smtp+starttls://user:password@mail.example.com:587`.

    Raises:
        BadSmtp: it is no such URL, would send a password in the clear, or the sender is no address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = None, 0
    if parts is None or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadSmtp("FIRMTRAIL_SMTP_URL is not a URL such as smtp+starttls://user:password@mail.example.com:587.")
    if parts.password and parts.scheme == "smtp":
        raise BadSmtp("FIRMTRAIL_SMTP_URL holds a password: use smtp+starttls:// or smtps://.")
    if not _is_email(sender):
        raise BadSmtp("FIRMTRAIL_SMTP_FROM must be the address that e-mail comes from, such as firmtrail@example.com.")
    return Smtp(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=sender,
    )


class Mailer:
    """Sends messages, a few at a time, off the event loop."""

    def __init__(self, smtp: Smtp | None) -> None:
        self._smtp = smtp
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @property
    def is_configured(self) -> bool:
        """Whether there is a server to send by."""
        return self._smtp is not None

    async def use(self, smtp: Smtp) -> None:
        """Send through another server, or with another password."""
        self._smtp = smtp

    async def send(self, to: str, subject: str, text: str) -> bool:
        """Send a message and return whether a server has taken it; without one, nothing is sent."""
        smtp = self._smtp
        if smtp is None:
            return False
        message = _message(smtp.sender, to, subject, text)
        async with self._turn:
            try:
                await asyncio.to_thread(_send, smtp, to, message)
            except (OSError, smtplib.SMTPException) as error:
                logger.warning("no e-mail could be sent through %s: %s", smtp.host, type(error).__name__)
                return False
        return True


def log_in(smtp: Smtp) -> None:
    """Find out whether the server lets us in, and send nothing.

    Raises:
        OSError, smtplib.SMTPException: it does not.
    """
    with _logged_in(smtp) as connection:
        connection.noop()


def _message(sender: str, to: str, subject: str, text: str) -> MIMEText:
    """Write what is sent.

    Not by EmailMessage: it decodes what looks like an encoded word (RFC 2047) in a header, and writes the line breaks
    that it finds there. A project may have any name.
    """
    message = MIMEText(text)
    message["From"], message["To"], message["Subject"] = (
        sender,
        to,
        Header(subject, "utf-8", header_name="Subject").encode(),
    )
    return message


def _send(smtp: Smtp, to: str, message: MIMEText) -> None:
    with _logged_in(smtp) as connection:
        connection.send_message(message, smtp.sender, [to])


@contextmanager
def _logged_in(smtp: Smtp) -> Generator[smtplib.SMTP]:
    with _connected(smtp) as connection:
        if smtp.scheme == "smtp+starttls":
            connection.starttls(context=ssl.create_default_context())
        if smtp.user is not None and smtp.password is not None:
            connection.login(smtp.user, smtp.password)
        yield connection


def _connected(smtp: Smtp) -> smtplib.SMTP:
    if smtp.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=_TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(smtp.host, smtp.port, timeout=_TIMEOUT_SECONDS)


def _is_email(text: str) -> bool:
    try:
        email_limits(None, None, text)  # pyright: ignore[reportArgumentType]  it looks at the value alone
    except Violation:
        return False
    return True
