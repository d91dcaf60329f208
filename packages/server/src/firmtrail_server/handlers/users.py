"""Users: becoming one, and what users do to themselves."""

from __future__ import annotations

import attrs

from firmtrail_contract import (
    AccessToken,
    AuditAction,
    AuditEvent,
    AuditQuery,
    Page,
    PasswordChange,
    SignUp,
    SignUpConfirmation,
    SignUpReceipt,
    User,
    UserChange,
)
from firmtrail_server.auth.credentials import digest
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import (
    CodeNotFound,
    CurrentPasswordWrong,
    SignUpByInvitation,
    SignUpClosed,
    SignUpPasswordWrong,
)
from firmtrail_server.http.context import PublicContext, UserContext
from firmtrail_server.http.results import Accepted, Created
from firmtrail_server.queries import audit_events, invitations, pending_sign_ups, users
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.queries.pending_sign_ups import PendingSignUp
from firmtrail_server.queries.users import Login, NewUser
from firmtrail_server.services import membership
from firmtrail_server.services.sessions import Opened, end_logins
from firmtrail_server.settings import SignUpMode

#: what is counted of an address
_SIGN_UP = "sign-up"


async def sign_up(ctx: PublicContext, body: SignUp) -> Accepted[SignUpReceipt]:
    """The answer is the same whether or not the address was known: then nothing changes, and the invitation stays open
    for its owner. Where the server sends e-mail, the user comes into being when the address is confirmed by the code
    that is sent to it, and the owner of an address that has a user is told so. The operator may have switched this
    off, or take nobody without an invitation: 403. An invitation that does not exist is 404. Too many from one place
    are 429.
    """
    mode = ctx.services.settings.sign_up
    if mode is SignUpMode.OFF:
        raise SignUpClosed
    if mode is SignUpMode.INVITED and body.invitation is None:
        raise SignUpByInvitation
    limits = ctx.services.authentication.sign_ups
    limits.check(_SIGN_UP, ctx.address)
    limits.add(_SIGN_UP, ctx.address)
    new = NewUser(
        email=body.email,
        name=body.name,
        password_hash=await ctx.services.authentication.passwords.hashed(body.password, ctx.address),
    )
    if not ctx.services.mailer.is_configured:
        await ctx.db.run(Transaction.WRITE, _sign_up, ctx, new, digest(body.invitation) if body.invitation else None)
        return Accepted(SignUpReceipt(email=body.email))
    if body.invitation is not None:
        await ctx.db.run(Transaction.READ, membership.find_invitation, body.invitation, ctx.now())
    invitation_digest = digest(body.invitation) if body.invitation else None
    ctx.services.account_mail.confirm(PendingSignUp(**attrs.asdict(new), invitation_digest=invitation_digest))
    return Accepted(SignUpReceipt(email=body.email, must_confirm=True))


async def confirm_sign_up(ctx: PublicContext, body: SignUpConfirmation) -> Created[User]:
    """Send the code of the e-mail with the password that you signed up with. 403 when it is another one; 404 when there
    is no such code, or the invitation is no longer there.
    """
    code_digest = ctx.services.account_mail.digest_of(body.code)
    pending = await ctx.db.run(Transaction.READ, pending_sign_ups.get, code_digest, ctx.now())
    authentication, who = ctx.services.authentication, code_digest.hex()
    if not await authentication.is_password(body.password, pending.password_hash, who, ctx.address):
        raise SignUpPasswordWrong
    return Created(await ctx.db.run(Transaction.WRITE, _confirm_sign_up, ctx, code_digest))


async def get_me(ctx: UserContext, conn: Connection) -> User:
    return await users.get(conn, ctx.user_id)


async def change_me(ctx: UserContext, conn: Connection, body: UserChange) -> User:
    """What is left out stays as it is."""
    user = await users.get(conn, ctx.user_id)
    if body.name is None or body.name == user.name:
        return user
    await users.update_name(conn, ctx.user_id, body.name)
    await ctx.audit(conn, ctx.user_id, Change(AuditAction.USER_CHANGED, user.id, user.name, {"name": body.name}))
    return await users.get(conn, ctx.user_id)


async def change_my_password(ctx: UserContext, body: PasswordChange) -> AccessToken:
    """Your access tokens and all your sessions end; the answer is a new token, with the scopes of the one you used. If
    that was of a session, the new one is of a new session, and comes with its refresh token.
    """
    authentication = ctx.services.authentication
    login = await ctx.run(Transaction.READ, users.find_login_of, ctx.user_id)
    if not await authentication.is_password(
        body.current_password, login and login.password_hash, str(ctx.user_id), ctx.address
    ):
        raise CurrentPasswordWrong
    password_hash = await authentication.passwords.hashed(body.new_password, ctx.address)
    opened = await ctx.run(Transaction.WRITE, _change_password, ctx, login, password_hash)
    return ctx.granted(opened.user, opened.refresh_token)


async def delete_me(ctx: UserContext, conn: Connection) -> None:
    """409 while a project would be left without an admin."""
    user = await users.get(conn, ctx.user_id)
    await ctx.audit(conn, ctx.user_id, Change(AuditAction.USER_DELETED, user.id, user.name))
    for project_id in await membership.leave_all(conn, ctx.user_id):
        ended = await membership.end_invitations(conn, project_id, user.id)
        await ctx.audit(conn, project_id, Change(AuditAction.MEMBER_LEFT, user.id, user.name), *ended)
    await end_logins(conn, ctx.user_id)
    await users.delete(conn, ctx.user_id)


async def list_my_audit_events(ctx: UserContext, conn: Connection, query: AuditQuery) -> Page[AuditEvent]:
    """Filters add up."""
    after = audit_events.KEYSET.position(query, ctx.user_id)
    found = await audit_events.list_events(conn, ctx.user_id, query, after, query.page_size + 1)
    return audit_events.KEYSET.page(found, query, ctx.user_id)


async def _sign_up(conn: Connection, ctx: PublicContext, new: NewUser, invitation_digest: bytes | None) -> User | None:
    """Make a user, and a member of the project of an invitation; None: the address has one already."""
    invitation = await invitations.get_by_digest(conn, invitation_digest, ctx.now()) if invitation_digest else None
    user = await users.insert(conn, new, ctx.now())
    if user is None:
        return None
    actor = ctx.actor_of(user.id)
    await audit_events.insert(conn, user.id, actor, ctx.now(), [Change(AuditAction.USER_SIGNED_UP, user.id, user.name)])
    if invitation is not None:
        await membership.join(conn, invitation, user.id, ctx.now())
        joined = Change(AuditAction.MEMBER_JOINED, user.id, user.name, {"role": invitation.role})
        await audit_events.insert(conn, invitation.project_id, actor, ctx.now(), [joined])
    return user


async def _confirm_sign_up(conn: Connection, ctx: PublicContext, code_digest: bytes) -> User:
    pending = await pending_sign_ups.get(conn, code_digest, ctx.now())
    new = NewUser(email=pending.email, name=pending.name, password_hash=pending.password_hash)
    user = await _sign_up(conn, ctx, new, pending.invitation_digest)
    if user is None:  # another sign-up of the address was confirmed meanwhile
        raise CodeNotFound
    await pending_sign_ups.delete_of_address(conn, pending.email)
    return user


async def _change_password(conn: Connection, ctx: UserContext, login: Login | None, password_hash: bytes) -> Opened:
    user = await users.get(conn, ctx.user_id)
    if await users.find_login_of(conn, ctx.user_id) != login:
        raise CurrentPasswordWrong  # it was changed in the meantime
    epoch = await users.update_password(conn, ctx.user_id, password_hash)
    await end_logins(conn, ctx.user_id)
    await ctx.audit(conn, ctx.user_id, Change(AuditAction.USER_PASSWORD_CHANGED, user.id, user.name))
    caller = attrs.evolve(ctx.user, token_epoch=epoch)
    if ctx.user.session_id is None:
        return Opened(user=caller)
    return await ctx.services.sessions.open(conn, caller, ctx.visit)
