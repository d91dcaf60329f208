"""A new password for who has forgotten theirs, by a code that is sent to their address."""

from __future__ import annotations

from firmtrail_contract import AuditAction, PasswordReset, PasswordResetReceipt, PasswordResetRequest
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import NoMailServer
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.results import Accepted
from firmtrail_server.queries import audit_events, password_resets, users
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services.sessions import end_logins

#: what is counted of an address
_RESET = "password reset"


async def request_password_reset(ctx: PublicContext, body: PasswordResetRequest) -> Accepted[PasswordResetReceipt]:
    """The answer is the same whether or not the address has a user: only its owner gets a code, which works once,
    within an hour. 403 where the server sends no e-mail. Too many from one place are 429.
    """
    if not ctx.services.mailer.is_configured:
        raise NoMailServer
    limits = ctx.services.authentication.sign_ups
    limits.check(_RESET, ctx.address)
    limits.add(_RESET, ctx.address)
    ctx.services.account_mail.reset(body.email)
    return Accepted(PasswordResetReceipt(email=body.email))


async def reset_password(ctx: PublicContext, body: PasswordReset) -> None:
    """All your sessions and access tokens end; log in with the new password."""
    code_digest = ctx.services.account_mail.digest_of(body.code)
    await ctx.db.run(Transaction.READ, password_resets.get_user, code_digest, ctx.now())
    password_hash = await ctx.services.authentication.passwords.hashed(body.new_password, ctx.address)
    await ctx.db.run(Transaction.WRITE, _reset_password, ctx, code_digest, password_hash)


async def _reset_password(conn: Connection, ctx: PublicContext, code_digest: bytes, password_hash: bytes) -> None:
    user = await users.get(conn, await password_resets.get_user(conn, code_digest, ctx.now()))
    await users.update_password(conn, user.id, password_hash)
    await end_logins(conn, user.id)
    changed = Change(AuditAction.USER_PASSWORD_CHANGED, user.id, user.name, {"by": "a code sent by e-mail"})
    await audit_events.insert(conn, user.id, ctx.actor_of(user.id), ctx.now(), [changed])
