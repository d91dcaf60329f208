"""Attempts to deliver: what came of each, stored together with what it means for the webhook."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import DeliveryStatus, WebhookDelivery
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import HIGHEST_ID, LATEST, Keyset, Position

KEYSET = Keyset("webhook_deliveries", {"attempted_at": LATEST, "id": HIGHEST_ID})


@attrs.frozen(kw_only=True)
class Attempt:
    """An attempt that was made."""

    message_id: str
    number: int | None
    attempt: int
    attempted_at: dt.datetime
    duration_ms: int
    status: DeliveryStatus
    status_code: int | None
    error: str | None
    #: how long the receiver asks to be left alone
    retry_after: dt.timedelta = dt.timedelta()


async def insert(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, attempt: Attempt) -> WebhookDelivery:
    """Store an attempt that moves nothing: a test."""
    async with conn.cursor(row_factory=rows(WebhookDelivery)) as cur:
        await cur.execute(
            """
            insert into webhook_deliveries (
                       project_id, webhook_id, message_id, number, attempt, attempted_at, duration_ms, status,
                       status_code, error
                   )
            values (
                       %(project_id)s, %(webhook_id)s, %(message_id)s, %(number)s, %(attempt)s, %(attempted_at)s,
                       %(duration_ms)s, %(status)s, %(status_code)s, %(error)s
                   )
            returning id, webhook_id, message_id, number, attempt, attempted_at, duration_ms, status, status_code, error
            """,
            {"project_id": project_id, "webhook_id": webhook_id, **attrs.asdict(attempt)},
        )
        return await one(cur)


async def record_delivered(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, before: int, attempt: Attempt
) -> bool:
    """Move a webhook on to the change that was taken; False: somebody has moved, paused or deleted it meanwhile."""
    cur = await conn.execute(
        """
        with moved as (
            update webhooks
               set delivered_number = %(number)s, failing_since = null, failed_attempts = 0
             where project_id = %(project_id)s
               and id = %(webhook_id)s
               and delivered_number = %(before)s
               and paused_at is null
            returning id
        )
        insert into webhook_deliveries (
                   project_id, webhook_id, message_id, number, attempt, attempted_at, duration_ms, status, status_code
               )
        select %(project_id)s::uuid, moved.id, %(message_id)s, %(number)s, %(attempt)s, %(attempted_at)s,
               %(duration_ms)s, %(status)s, %(status_code)s
          from moved
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "before": before, **attrs.asdict(attempt)},
    )
    return cur.rowcount == 1


async def record_failed(  # noqa: PLR0913  the attempt, and when the next one is made
    conn: Connection,
    project_id: uuid.UUID,
    webhook_id: uuid.UUID,
    before: int,
    attempt: Attempt,
    *,
    next_attempt_at: dt.datetime,
) -> bool:
    """Leave a webhook where it is until the next attempt; False: somebody has moved, paused or deleted it meanwhile."""
    cur = await conn.execute(
        """
        with failing as (
            update webhooks
               set failing_since = coalesce(failing_since, %(attempted_at)s), failed_attempts = %(attempt)s,
                   next_attempt_at = %(next_attempt_at)s
             where project_id = %(project_id)s
               and id = %(webhook_id)s
               and delivered_number = %(before)s
               and paused_at is null
            returning id
        )
        insert into webhook_deliveries (
                   project_id, webhook_id, message_id, number, attempt, attempted_at, duration_ms, status, status_code,
                   error
               )
        select %(project_id)s::uuid, failing.id, %(message_id)s, %(number)s, %(attempt)s, %(attempted_at)s,
               %(duration_ms)s, %(status)s, %(status_code)s, %(error)s
          from failing
        """,
        {
            "project_id": project_id,
            "webhook_id": webhook_id,
            "before": before,
            "next_attempt_at": next_attempt_at,
            **attrs.asdict(attempt),
        },
    )
    return cur.rowcount == 1


async def list_deliveries(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, after: Position, limit: int
) -> list[WebhookDelivery]:
    """The last attempts of a webhook, newest first."""
    async with conn.cursor(row_factory=rows(WebhookDelivery)) as cur:
        await cur.execute(
            """
            select id, webhook_id, message_id, number, attempt, attempted_at, duration_ms, status, status_code, error
              from webhook_deliveries
             where project_id = %(project_id)s
               and webhook_id = %(webhook_id)s
               and (attempted_at, id) < (%(attempted_at)s, %(id)s)
             order by attempted_at desc, id desc
             limit %(limit)s
            """,
            {"project_id": project_id, "webhook_id": webhook_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def trim(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, kept: int) -> None:
    """Delete all but the last attempts of a webhook."""
    await conn.execute(
        """
        delete from webhook_deliveries
         where project_id = %(project_id)s
           and webhook_id = %(webhook_id)s
           and (attempted_at, id) in (
                   select attempted_at, id
                     from webhook_deliveries
                    where project_id = %(project_id)s
                      and webhook_id = %(webhook_id)s
                    order by attempted_at desc, id desc
                    offset %(kept)s
               )
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "kept": kept},
    )


async def delete_of_webhook(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> None:
    await conn.execute(
        """
        delete from webhook_deliveries
         where project_id = %(project_id)s
           and webhook_id = %(webhook_id)s
        """,
        {"project_id": project_id, "webhook_id": webhook_id},
    )


async def delete_all(conn: Connection, project_id: uuid.UUID) -> None:
    """Delete the attempts of all webhooks of a deleted project."""
    await conn.execute("delete from webhook_deliveries where project_id = %(project_id)s", {"project_id": project_id})
