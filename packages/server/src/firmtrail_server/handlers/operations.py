"""What an operator's tools ask: is the server alive, and may it be sent work?"""

from __future__ import annotations

import attrs

from firmtrail_server.http.context import PublicContext


@attrs.frozen(kw_only=True)
class Status:
    """All is well."""

    status: str = "ok"


async def healthz(_ctx: PublicContext) -> Status:
    """Say that the process lives."""
    return Status()


async def readyz(ctx: PublicContext) -> Status:
    """Say that the database answers and its schema is not older than this server needs; 503 otherwise."""
    await ctx.services.readiness.check()
    return Status()
