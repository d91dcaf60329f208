"""What an operator's tools ask: is the server alive, and may it be sent work?"""

from __future__ import annotations

from hmac import compare_digest
from typing import Annotated

import attrs
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from firmtrail_server.errors import MetricsNotShown, MetricsTokenWrong
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.results import Document
from firmtrail_server.queries.activity import OpenTransaction


@attrs.frozen(kw_only=True)
class Status:
    """All is well."""

    status: str = "ok"


@attrs.frozen(kw_only=True)
class Readiness(Status):
    """All is well, and what there is to know of the database."""

    #: of anybody; null: there is none
    oldest_transaction: OpenTransaction | None


async def healthz(_ctx: PublicContext) -> Status:
    return Status()


async def readyz(ctx: PublicContext) -> Readiness:
    """503 otherwise. A good answer names the oldest open transaction: one that stays open makes reports cost more."""
    return Readiness(oldest_transaction=await ctx.services.readiness.check())


async def metrics(ctx: PublicContext) -> Annotated[Document, CONTENT_TYPE_PLAIN_0_0_4]:
    """Takes the operator's token as `Authorization: Bearer`: 401 without it, and 404 where the operator has set
    none.
    """
    _check_token(ctx.authorization, ctx.services.metrics_token.value)
    return Document(content_type=CONTENT_TYPE_PLAIN_0_0_4, content=generate_latest(ctx.services.metrics))


def _check_token(authorization: str, token: str | None) -> None:
    if token is None:
        raise MetricsNotShown
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(given.strip().encode("utf-8", "replace"), token.encode()):
        raise MetricsTokenWrong
