"""What an operator does to users: a new password, disabling, an admin for a project. Making one is in first_user.py."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable

from firmtrail_contract import AuditAction, Role, User, Violation
from firmtrail_contract.users import password_limits
from firmtrail_server.auth.credentials import SecretChecker
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import ProjectNotFound
from firmtrail_server.process.first_user import OPERATOR, BadUser
from firmtrail_server.queries import audit_events, members, projects, users
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services import membership
from firmtrail_server.services.sessions import end_logins


def checked_password(password: str) -> str:
    """Hold a password to the limits of a sign-up, or raise `BadUser`."""
    try:
        password_limits(None, None, password)  # pyright: ignore[reportArgumentType]  it looks at the value alone
    except Violation as error:
        raise BadUser(f"Nothing was changed: the password {error.detail}.") from None
    return password


async def set_password(database_url: str, email: str, password: str, password_cost: int) -> User:
    """Give a user a new password; all sessions and access tokens end."""
    passwords = SecretChecker(cost=password_cost)
    try:
        password_hash = await passwords.hashed(password, "")
    finally:
        passwords.close()

    async def change(conn: Connection, user: User, now: dt.datetime) -> None:
        await users.update_password(conn, user.id, password_hash)
        await end_logins(conn, user.id)
        await _record(conn, user, now, AuditAction.USER_PASSWORD_CHANGED)

    return await _changed(database_url, email, change)


async def disable(database_url: str, email: str) -> User:
    """Let nobody log in as a user any more; sessions, access tokens and invitations of theirs end, memberships stay."""

    async def change(conn: Connection, user: User, now: dt.datetime) -> None:
        await users.update_disabled(conn, user.id, now)
        await end_logins(conn, user.id)
        for one in await members.list_memberships(conn, user.id):
            ended = await membership.end_invitations(conn, one.project_id, user.id)
            await audit_events.insert(conn, one.project_id, OPERATOR, now, ended)
        await _record(conn, user, now, AuditAction.USER_DISABLED)

    return await _changed(database_url, email, change)


async def enable(database_url: str, email: str) -> User:
    """Let a user log in again."""

    async def change(conn: Connection, user: User, now: dt.datetime) -> None:
        await users.update_disabled(conn, user.id, None)
        await _record(conn, user, now, AuditAction.USER_ENABLED)

    return await _changed(database_url, email, change)


async def make_admin(database_url: str, email: str, project_id: uuid.UUID) -> User:
    """Make a user an admin of a project, member or not: for a project whose only admin is gone."""

    async def change(conn: Connection, user: User, now: dt.datetime) -> None:
        try:
            await projects.get(conn, project_id)
        except ProjectNotFound:
            raise BadUser(f"Nothing was changed: there is no project {project_id}.") from None
        action = await _promote(conn, project_id, user, now)
        admin = Change(action, user.id, user.name, {"role": Role.ADMIN})
        await audit_events.insert(conn, project_id, OPERATOR, now, [admin])

    return await _changed(database_url, email, change)


async def _promote(conn: Connection, project_id: uuid.UUID, user: User, now: dt.datetime) -> AuditAction:
    if await members.find_role(conn, project_id, user.id) is None:
        await members.insert(conn, project_id, user.id, Role.ADMIN, now)
        return AuditAction.MEMBER_JOINED
    await members.update_role(conn, project_id, user.id, Role.ADMIN)
    return AuditAction.MEMBER_ROLE_CHANGED


async def _changed(
    database_url: str, email: str, change: Callable[[Connection, User, dt.datetime], Awaitable[None]]
) -> User:
    """Change a user in one transaction.

    Raises:
        BadUser: nobody has the address.
        DatabaseUnavailable: the database does not answer.
    """

    async def work(conn: Connection) -> User:
        user = await users.find_by_email(conn, email)
        if user is None:
            raise BadUser(f"Nothing was changed: no user has the address {email}.")
        await change(conn, user, dt.datetime.now(dt.UTC))
        return user

    database = Database(database_url, max_connections=1)
    await database.open()
    try:
        return await database.run(Transaction.WRITE, work)
    finally:
        await database.close()


async def _record(conn: Connection, user: User, now: dt.datetime, action: AuditAction) -> None:
    await audit_events.insert(conn, user.id, OPERATOR, now, [Change(action, user.id, user.name)])
