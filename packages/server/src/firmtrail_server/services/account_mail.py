"""E-mails about one's own user: a code that confirms the address, or sets a new password, and that one is taken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial

import attrs

from firmtrail_server.auth.credentials import SecretDigests, SecretPrefix, is_well_formed, new_secret
from firmtrail_server.auth.login_throttle import LoginThrottle
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import CodeNotFound, TooManyFailures
from firmtrail_server.queries import password_resets, pending_sign_ups, users
from firmtrail_server.queries.pending_sign_ups import PendingSignUp
from firmtrail_server.services.mail import Mailer
from firmtrail_server.services.outbox import Outbox

CONFIRMATION_LIFE = dt.timedelta(days=1)
RESET_LIFE = dt.timedelta(hours=1)
#: to one address: then whoever asks for more annoys nobody
MAX_MAILS, MAIL_PERIOD_SECONDS = 5, 3600


@attrs.frozen(kw_only=True)
class AccountMail:
    """Sends the e-mails after the answer to the request, which is the same whoever has the address."""

    database: Database
    mailer: Mailer
    outbox: Outbox
    digests: SecretDigests
    #: of e-mails, by the address that they go to
    sent: LoginThrottle
    #: the URL of this installation
    issuer: str
    #: then an e-mail holds a link; without pages, a command
    has_pages: bool
    clock: Callable[[], dt.datetime]

    def confirm(self, new: PendingSignUp) -> None:
        """Send a sign-up its code, or tell the owner of the address that it has a user."""
        self.outbox.put(partial(self._confirm, new))

    def reset(self, email: str) -> None:
        """Send a code for a new password, if the address has a user."""
        self.outbox.put(partial(self._reset, email))

    def digest_of(self, code: str) -> bytes:
        """What a code is looked up by, or raise `CodeNotFound` if it cannot be one."""
        if not is_well_formed(code):
            raise CodeNotFound
        return self.digests.of(code)

    async def _confirm(self, new: PendingSignUp) -> None:
        if not self._may_send(new.email):
            return
        code = new_secret(SecretPrefix.CONFIRMATION)
        if await self.database.run(Transaction.WRITE, self._store_sign_up, new, code):
            await self.mailer.send(new.email, "Confirm your e-mail address", self._confirmation(code))
        else:
            await self.mailer.send(new.email, "You have a Firmtrail user already", self._taken())

    async def _store_sign_up(self, conn: Connection, new: PendingSignUp, code: str) -> bool:
        """Keep a sign-up until it is confirmed; False: the address has a user."""
        await pending_sign_ups.delete_expired(conn, self.clock())
        if await users.find_by_email(conn, new.email) is not None:
            return False
        await pending_sign_ups.insert(conn, new, self.digests.of(code), self.clock() + CONFIRMATION_LIFE)
        return True

    async def _reset(self, email: str) -> None:
        if not self._may_send(email):  # counted outside of the transaction, which may be repeated
            return
        code = new_secret(SecretPrefix.PASSWORD_RESET)
        address = await self.database.run(Transaction.WRITE, self._store_reset, email, code)
        if address is not None:
            await self.mailer.send(address, "A new password", self._new_password(code))

    async def _store_reset(self, conn: Connection, email: str, code: str) -> str | None:
        """Keep the digest of a code, and give the address as its user wrote it; None: there is nobody to send it to."""
        login, user = await users.find_login(conn, email), await users.find_by_email(conn, email)
        if login is None or user is None:
            return None
        await password_resets.delete_expired(conn, self.clock())
        await password_resets.insert(conn, user.id, self.digests.of(code), self.clock() + RESET_LIFE)
        return user.email

    def _may_send(self, email: str) -> bool:
        try:
            self.sent.check(email.lower(), "")
        except TooManyFailures:
            return False
        self.sent.add(email.lower(), "")
        return True

    def _confirmation(self, code: str) -> str:
        how = (
            f"    {self.issuer}/sign-up/confirm?code={code}\n\nThe page asks for the password that you chose.\n\n"
            if self.has_pages
            else f"    firmtrail confirm-sign-up --url {self.issuer}\n\n"
            f"It asks for your password, and for this code:\n\n    {code}\n\n"
        )
        return (
            f"Somebody signed up at {self.issuer} with this address.\nIf it was you, confirm it within a day:\n\n{how}"
            "If it was not you, do nothing: without the code nobody can use your address.\n"
        )

    def _taken(self) -> str:
        how = f"{self.issuer}/forgotten-password" if self.has_pages else f"firmtrail reset-password --url {self.issuer}"
        return (
            f"Somebody signed up at {self.issuer} with this address,\n"
            "which has a user already. Nothing was changed.\n\n"
            f"If it was you, log in. If you have forgotten your password:\n\n    {how}\n"
        )

    def _new_password(self, code: str) -> str:
        how = (
            f"    {self.issuer}/new-password?code={code}\n\n"
            if self.has_pages
            else f"    firmtrail reset-password --code --url {self.issuer}\n\nIt asks for this code:\n\n    {code}\n\n"
        )
        return (
            f"Somebody asked for a new password for your user at {self.issuer}.\n"
            f"If it was you, set it within an hour:\n\n{how}"
            "It works once, and ends all your sessions. Whoever holds it can use it: keep it to yourself.\n"
            "If it was not you, do nothing.\n"
        )
