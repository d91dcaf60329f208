"""Links that sign a person in once: made by the operator, followed within minutes."""

from __future__ import annotations

import datetime as dt
import secrets

from firmtrail_server.auth.credentials import digest
from firmtrail_server.auth.permissions import ALL_OF_A_USER, User
from firmtrail_server.db import Connection
from firmtrail_server.errors import LoginRefused, UserNotFound
from firmtrail_server.queries import login_links, users
from firmtrail_server.services.sessions import Opened, Sessions, Visit

LIFE = dt.timedelta(minutes=10)


async def make(conn: Connection, email: str, now: dt.datetime) -> str:
    """Make a link's secret for the user with this address, or raise `UserNotFound`."""
    login = await users.find_login(conn, email)
    if login is None:
        raise UserNotFound
    secret = secrets.token_urlsafe(32)
    await login_links.delete_expired(conn, now)
    await login_links.insert(conn, digest(secret), login.id, now + LIFE)
    return secret


async def follow(conn: Connection, secret: str, sessions: Sessions, visit: Visit) -> Opened:
    """Begin a session for whom a link is, and use the link up.

    Raises:
        LoginRefused: there is no such link, or not any more.
    """
    user_id = await login_links.take(conn, digest(secret), visit.now)
    login = await users.find_login_of(conn, user_id) if user_id else None
    if login is None:
        raise LoginRefused
    user = User(user_id=login.id, token_epoch=login.token_epoch, token_scopes=ALL_OF_A_USER)
    return await sessions.open(conn, user, visit)
