"""Webhooks: what they ask for, their secrets, how far they have come, and why they are paused."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

import attrs
from psycopg.types.json import Jsonb

from firmtrail_contract import NewWebhook, PauseReason, Webhook
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position

KEYSET = Keyset("webhooks", {"created_at": EARLIEST, "id": LOWEST_ID})


@attrs.frozen(kw_only=True)
class DueWebhook:
    """A webhook that may have something to deliver."""

    id: uuid.UUID
    project_id: uuid.UUID


@attrs.frozen(kw_only=True)
class WebhookSecrets:
    """What deliveries are signed with."""

    secret: str = attrs.field(repr=False)
    old_secret: str | None = attrs.field(repr=False)
    old_secret_until: dt.datetime | None

    def living(self, now: dt.datetime) -> list[str]:
        """The secrets that sign now, the newest first."""
        is_old_alive = self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, self.old_secret] if self.old_secret and is_old_alive else [self.secret]


async def insert(  # noqa: PLR0913  what is known at its creation
    conn: Connection,
    project_id: uuid.UUID,
    new: NewWebhook,
    secret: str,
    *,
    delivered_number: int,
    created_by: uuid.UUID,
    now: dt.datetime,
) -> Webhook:
    async with conn.cursor(row_factory=rows(Webhook)) as cur:
        await cur.execute(
            """
            insert into webhooks (
                       project_id, url, label, kinds, component, labels, secret, created_by, created_at,
                       delivered_number, next_attempt_at
                   )
            values (
                       %(project_id)s, %(url)s, %(label)s, %(kinds)s, %(component)s, %(labels)s, %(secret)s,
                       %(created_by)s, %(now)s, %(delivered_number)s, %(now)s
                   )
            returning id, project_id, url, label, kinds, component, labels, created_by, created_at, delivered_number,
                      failing_since, failed_attempts, next_attempt_at, paused_at, pause_reason, old_secret_until
            """,
            {
                "project_id": project_id,
                "url": new.url,
                "label": new.label,
                "kinds": Jsonb(new.kinds),
                "component": new.component,
                "labels": new.labels,
                "secret": secret,
                "created_by": created_by,
                "now": now,
                "delivered_number": delivered_number,
            },
        )
        return await one(cur)


async def find(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook | None:
    async with conn.cursor(row_factory=rows(Webhook)) as cur:
        await cur.execute(
            """
            select id, project_id, url, label, kinds, component, labels, created_by, created_at, delivered_number,
                   failing_since, failed_attempts, next_attempt_at, paused_at, pause_reason, old_secret_until
              from webhooks
             where project_id = %(project_id)s
               and id = %(webhook_id)s
            """,
            {"project_id": project_id, "webhook_id": webhook_id},
        )
        return await cur.fetchone()


async def find_secrets(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> WebhookSecrets | None:
    async with conn.cursor(row_factory=rows(WebhookSecrets)) as cur:
        await cur.execute(
            """
            select secret, old_secret, old_secret_until
              from webhooks
             where project_id = %(project_id)s
               and id = %(webhook_id)s
            """,
            {"project_id": project_id, "webhook_id": webhook_id},
        )
        return await cur.fetchone()


async def count(conn: Connection, project_id: uuid.UUID) -> int:
    cur = await conn.execute(
        "select count(*) from webhooks where project_id = %(project_id)s", {"project_id": project_id}
    )
    return (await one(cur))[0]


async def list_webhooks(conn: Connection, project_id: uuid.UUID, after: Position, limit: int) -> list[Webhook]:
    """The webhooks of a project, oldest first."""
    async with conn.cursor(row_factory=rows(Webhook)) as cur:
        await cur.execute(
            """
            select id, project_id, url, label, kinds, component, labels, created_by, created_at, delivered_number,
                   failing_since, failed_attempts, next_attempt_at, paused_at, pause_reason, old_secret_until
              from webhooks
             where project_id = %(project_id)s
               and (created_at, id) > (%(created_at)s, %(id)s)
             order by created_at, id
             limit %(limit)s
            """,
            {"project_id": project_id, "limit": limit, **after},
        )
        return await cur.fetchall()


async def list_due(conn: Connection, now: dt.datetime, busy: Collection[uuid.UUID], limit: int) -> list[DueWebhook]:
    """The webhooks of all projects that have something after what is delivered, those that wait longest first."""
    async with conn.cursor(row_factory=rows(DueWebhook)) as cur:
        await cur.execute(
            """
            select webhooks.id, webhooks.project_id
              from webhooks
              join projects
                on projects.id = webhooks.project_id
               and projects.deleted_at is null
              left join firmware_feeds as feed
                on feed.project_id = webhooks.project_id
             where webhooks.paused_at is null
               and webhooks.next_attempt_at <= %(now)s
               and webhooks.id <> all(%(busy)s::uuid[])
               and (
                       feed.last_number > webhooks.delivered_number
                       or exists (
                              select 1
                                from firmware_changes_new as pending
                               where pending.project_id = webhooks.project_id
                          )
                   )
             order by webhooks.next_attempt_at, webhooks.id
             limit %(limit)s
            """,
            {"now": now, "busy": list(busy), "limit": limit},
        )
        return await cur.fetchall()


async def update(conn: Connection, project_id: uuid.UUID, webhook: Webhook) -> None:
    """Store where a webhook is, and which changes it asks for."""
    await conn.execute(
        """
        update webhooks
           set url = %(url)s, label = %(label)s, kinds = %(kinds)s, component = %(component)s, labels = %(labels)s
         where project_id = %(project_id)s
           and id = %(id)s
        """,
        {
            "project_id": project_id,
            "id": webhook.id,
            "url": webhook.url,
            "label": webhook.label,
            "kinds": Jsonb(webhook.kinds),
            "component": webhook.component,
            "labels": webhook.labels,
        },
    )


async def update_secret(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, secret: str, old_until: dt.datetime
) -> None:
    """Sign with a new secret from now on, and with the one of before too, until a moment."""
    await conn.execute(
        """
        update webhooks
           set secret = %(secret)s, old_secret = secret, old_secret_until = %(old_until)s
         where project_id = %(project_id)s
           and id = %(webhook_id)s
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "secret": secret, "old_until": old_until},
    )


async def start_after(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, number: int, now: dt.datetime
) -> None:
    """Deliver what comes after a number from now on, as if nothing had failed; a pause ends."""
    await conn.execute(
        """
        update webhooks
           set delivered_number = %(number)s, failing_since = null, failed_attempts = 0, next_attempt_at = %(now)s,
               paused_at = null, pause_reason = null
         where project_id = %(project_id)s
           and id = %(webhook_id)s
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "number": number, "now": now},
    )


async def skip(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, before: int, number: int) -> bool:
    """Go on to a number, when the filters leave out everything up to it; False: somebody has moved the webhook."""
    cur = await conn.execute(
        """
        update webhooks
           set delivered_number = %(number)s
         where project_id = %(project_id)s
           and id = %(webhook_id)s
           and delivered_number = %(before)s
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "before": before, "number": number},
    )
    return cur.rowcount == 1


async def yield_turn(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, now: dt.datetime) -> None:
    """Let webhooks that have waited longer come first."""
    await conn.execute(
        """
        update webhooks
           set next_attempt_at = %(now)s
         where project_id = %(project_id)s
           and id = %(webhook_id)s
           and failed_attempts = 0
           and next_attempt_at < %(now)s
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "now": now},
    )


async def pause(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, reason: PauseReason, now: dt.datetime
) -> bool:
    """Send nothing more; False: it is paused already, or deleted."""
    cur = await conn.execute(
        """
        update webhooks
           set paused_at = %(now)s, pause_reason = %(reason)s
         where project_id = %(project_id)s
           and id = %(webhook_id)s
           and paused_at is null
        """,
        {"project_id": project_id, "webhook_id": webhook_id, "reason": reason, "now": now},
    )
    return cur.rowcount == 1


async def delete(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> None:
    """Delete a webhook whose deliveries are deleted."""
    await conn.execute(
        """
        delete from webhooks
         where project_id = %(project_id)s
           and id = %(webhook_id)s
        """,
        {"project_id": project_id, "webhook_id": webhook_id},
    )


async def delete_all(conn: Connection, project_id: uuid.UUID) -> None:
    """Delete the webhooks of a deleted project, whose deliveries are deleted."""
    await conn.execute("delete from webhooks where project_id = %(project_id)s", {"project_id": project_id})
