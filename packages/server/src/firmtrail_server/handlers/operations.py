"""What an operator's tools ask: is the server alive, and may it be sent work?"""

from __future__ import annotations

import attrs

from firmtrail_server.http.context import PublicContext
from firmtrail_server.schema import SchemaTooOld, pending_migrations


@attrs.frozen(kw_only=True)
class Status:
    """All is well."""

    status: str = "ok"


async def healthz(_ctx: PublicContext) -> Status:
    """Say that the process lives."""
    return Status()


async def readyz(ctx: PublicContext) -> Status:
    """Say that the database answers and its schema is not older than this server needs; 503 otherwise."""
    if pending := await ctx.db.retried(pending_migrations):
        raise SchemaTooOld(pending)
    return Status()
