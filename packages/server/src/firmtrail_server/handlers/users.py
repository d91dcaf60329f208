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
    SignUpReceipt,
    User,
    UserChange,
)
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import CurrentPasswordWrong, SignUpByInvitation, SignUpClosed
from firmtrail_server.http.context import PublicContext, UserContext
from firmtrail_server.http.results import Accepted
from firmtrail_server.queries import audit_events, sessions, users
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.queries.users import Login, NewUser
from firmtrail_server.services import membership
from firmtrail_server.services.sessions import Opened
from firmtrail_server.settings import SignUpMode

#: what is counted of an address
_SIGN_UP = "sign-up"


async def sign_up(ctx: PublicContext, body: SignUp) -> Accepted[SignUpReceipt]:
    """The answer is the same whether or not the address was known: then nothing changes, and the invitation stays open
    for its owner. The operator may have switched this off, or take nobody without an invitation: 403. An invitation
    that does not exist is 404. Too many from one place are 429.
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
    await ctx.db.run(Transaction.WRITE, _sign_up, ctx, new, body.invitation)
    return Accepted(SignUpReceipt(email=body.email))


async def get_me(ctx: UserContext, conn: Connection) -> User:
    return await users.get(conn, ctx.user_id)


async def change_me(ctx: UserContext, conn: Connection, body: UserChange) -> User:
    """What is left out stays as it is."""
    user = await users.get(conn, ctx.user_id)
    if body.name is None or body.name == user.name:
        return user
    await users.update_name(conn, ctx.user_id, body.name)
    await ctx.record(conn, ctx.user_id, Change(AuditAction.USER_CHANGED, user.id, user.name, {"name": body.name}))
    return await users.get(conn, ctx.user_id)


async def change_my_password(ctx: UserContext, body: PasswordChange) -> AccessToken:
    """Your access tokens and all your sessions end; the answer is a new token, with the scopes of the one you used. If
    that was of a session, the new one is of a new session, and comes with its refresh token.
    """
    authentication = ctx.services.authentication
    login = await ctx.run(Transaction.READ, users.find_login_of, ctx.user_id)
    if not await authentication.is_password(body.current_password, login, str(ctx.user_id), ctx.address):
        raise CurrentPasswordWrong
    password_hash = await authentication.passwords.hashed(body.new_password, ctx.address)
    opened = await ctx.run(Transaction.WRITE, _change_password, ctx, login, password_hash)
    return ctx.granted(opened.user, opened.refresh_token)


async def delete_me(ctx: UserContext, conn: Connection) -> None:
    """409 while a project would be left without an admin."""
    user = await users.get(conn, ctx.user_id)
    await ctx.record(conn, ctx.user_id, Change(AuditAction.USER_DELETED, user.id, user.name))
    for project_id in await membership.leave_all(conn, ctx.user_id):
        ended = await membership.end_invitations(conn, project_id, user.id)
        await ctx.record(conn, project_id, Change(AuditAction.MEMBER_LEFT, user.id, user.name), *ended)
    await sessions.delete_of_user(conn, ctx.user_id)
    await users.delete(conn, ctx.user_id)


async def list_my_audit_events(ctx: UserContext, conn: Connection, query: AuditQuery) -> Page[AuditEvent]:
    """Filters add up."""
    after = audit_events.KEYSET.position(query, ctx.user_id)
    found = await audit_events.list_events(conn, ctx.user_id, query, after, query.page_size + 1)
    return audit_events.KEYSET.page(found, query, ctx.user_id)


async def _sign_up(conn: Connection, ctx: PublicContext, new: NewUser, invitation_secret: str | None) -> None:
    invitation = await membership.find_invitation(conn, invitation_secret, ctx.now()) if invitation_secret else None
    user = await users.insert(conn, new, ctx.now())
    if user is None:
        return
    actor = ctx.actor_of(user.id)
    await audit_events.insert(conn, user.id, actor, ctx.now(), [Change(AuditAction.USER_SIGNED_UP, user.id, user.name)])
    if invitation is not None:
        await membership.join(conn, invitation, user.id, ctx.now())
        joined = Change(AuditAction.MEMBER_JOINED, user.id, user.name, {"role": invitation.role})
        await audit_events.insert(conn, invitation.project_id, actor, ctx.now(), [joined])


async def _change_password(conn: Connection, ctx: UserContext, login: Login | None, password_hash: bytes) -> Opened:
    user = await users.get(conn, ctx.user_id)
    if await users.find_login_of(conn, ctx.user_id) != login:
        raise CurrentPasswordWrong  # it was changed in the meantime
    epoch = await users.update_password(conn, ctx.user_id, password_hash)
    await sessions.delete_of_user(conn, ctx.user_id)
    await ctx.record(conn, ctx.user_id, Change(AuditAction.USER_PASSWORD_CHANGED, user.id, user.name))
    caller = attrs.evolve(ctx.user, token_epoch=epoch)
    if ctx.user.session_id is None:
        return Opened(user=caller)
    return await ctx.services.sessions.open(conn, caller, ctx.visit)
