"""A real SMTP server on loopback, and what it has taken."""

from __future__ import annotations

import asyncio
import email
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email import policy
from email.message import EmailMessage
from typing import Any

import attrs
import httpx
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.server.callers import PASSWORD, Caller, log_in, made, sign_up

PATIENCE_SECONDS = 30


@attrs.define
class Mailbox:
    """What an SMTP server on loopback has taken."""

    port: int = 0
    messages: list[EmailMessage] = attrs.field(factory=list[EmailMessage])
    recipients: list[str] = attrs.field(factory=list[str])
    logins: list[LoginPassword] = attrs.field(factory=list[LoginPassword])
    refusal: str = ""
    arrived: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        assert isinstance(envelope.content, bytes)
        self.messages.append(email.message_from_bytes(envelope.content, EmailMessage, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        self.arrived.set()
        return "250 OK"

    async def wait_for(self, number: int) -> list[str]:
        """Wait for so many messages in all; give their texts."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.messages) < number:
                self.arrived.clear()
                await self.arrived.wait()
        assert len(self.messages) == number
        return [message.get_content() for message in self.messages]

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, login: Any) -> AuthResult:
        self.logins.append(login)
        return AuthResult(success=True)


@asynccontextmanager
async def smtp_server(**options: Any) -> AsyncGenerator[Mailbox]:
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop, authenticator=mailbox.authenticate, **options),
        "127.0.0.1",
        0,
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    yield mailbox
    server.close()
    await server.wait_closed()


async def confirmed_user(http: httpx.AsyncClient, mailbox: Mailbox, address: str) -> Caller:
    """Somebody who signed up and has confirmed the address."""
    before = len(mailbox.messages)
    await sign_up(http, address)
    code = code_in((await mailbox.wait_for(before + 1))[-1])
    made(await http.post("/v1/users/confirm", json={"code": code, "password": PASSWORD}))
    return await log_in(http, address)


def code_in(text: str) -> str:
    """The only code of an e-mail."""
    (code,) = re.findall(r"ft[cw]_\w+", text)
    return code
