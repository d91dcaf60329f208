"""Sessions: the logins of the user who asks, listed and ended one by one. How they begin is in oauth.py."""

from __future__ import annotations

import uuid

from firmtrail_contract import Page, PageQuery, Session
from firmtrail_server.db import Connection
from firmtrail_server.http.context import UserContext
from firmtrail_server.queries import sessions


async def list_my_sessions(ctx: UserContext, conn: Connection, query: PageQuery) -> Page[Session]:
    """A session is a login that asked for a refresh token; logins that did not end with their access token."""
    after = sessions.KEYSET.position(query, ctx.user_id)
    found = await sessions.list_sessions(conn, ctx.user_id, ctx.user.session_id, ctx.now(), after, query.page_size + 1)
    return sessions.KEYSET.page(found, query, ctx.user_id)


async def end_my_session(ctx: UserContext, conn: Connection, session_id: uuid.UUID) -> None:
    """Its refresh token and its access tokens are refused from the next request on, also if it is the one you use."""
    await ctx.services.sessions.end(conn, ctx.user_id, session_id, ctx.visit, reason="ended by the user")
