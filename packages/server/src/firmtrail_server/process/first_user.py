"""Making a user as the operator: the first one of a server that takes no sign-ups, for instance."""

from __future__ import annotations

import datetime as dt

from cattrs import BaseValidationError

from firmtrail_contract import ActorKind, AuditAction, SignUp, User, field_errors, strict_converter
from firmtrail_server.auth.credentials import SecretChecker
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.queries import audit_events, users
from firmtrail_server.queries.audit_events import Actor, Change
from firmtrail_server.queries.users import NewUser

OPERATOR = Actor(kind=ActorKind.OPERATOR, id=None, address="", request_id="")


class BadUser(Exception):
    """What was given makes no user. The message says why, and shows no password."""


def checked_user(email: str, name: str, password: str) -> SignUp:
    """Hold what was given to the limits of a sign-up.

    Raises:
        BadUser: the message names everything that is wrong.
    """
    try:
        return strict_converter().structure({"email": email, "name": name, "password": password}, SignUp)
    except BaseValidationError as error:
        wrong = [f"the {one.pointer.removeprefix('/')} {one.detail}" for one in field_errors(error)]
        raise BadUser(f"No user was made: {'; '.join(wrong)}.") from None


async def create_user(database_url: str, wanted: SignUp, password_cost: int) -> User:
    """Store a user; the schema must be up to date.

    Raises:
        BadUser: the address has one already.
        DatabaseUnavailable: the database does not answer.
    """
    passwords, database = SecretChecker(cost=password_cost), Database(database_url, max_connections=1)
    await database.open()
    try:
        password_hash = await passwords.hashed(wanted.password, "")
        new, now = NewUser(email=wanted.email, name=wanted.name, password_hash=password_hash), dt.datetime.now(dt.UTC)
        return await database.run(Transaction.WRITE, _create, new, now)
    finally:
        await database.close()
        passwords.close()


async def _create(conn: Connection, new: NewUser, now: dt.datetime) -> User:
    user = await users.insert(conn, new, now)
    if user is None:
        raise BadUser(
            f"No user was made: {new.email} has one already. For a new password run: "
            f"firmtrail-server set-password {new.email}"
        )
    await audit_events.insert(conn, user.id, OPERATOR, now, [Change(AuditAction.USER_SIGNED_UP, user.id, user.name)])
    return user
