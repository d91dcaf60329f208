"""The audit trail: rows are added and read, never changed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
import orjson

from firmtrail_contract import ActorKind, AuditAction, AuditEvent, AuditQuery
from firmtrail_server.db import Connection, rows
from firmtrail_server.db.keyset import HIGHEST_ID, LATEST, Keyset, Position


@attrs.frozen(kw_only=True)
class Actor:
    """Who makes a change, and from where."""

    kind: ActorKind
    #: None: the operator
    id: uuid.UUID | None
    address: str
    request_id: str


@attrs.frozen
class Change:
    """What was done to one thing. Details are short texts, and never a secret."""

    action: AuditAction
    target_id: uuid.UUID
    target_name: str
    details: dict[str, str] = attrs.field(factory=dict[str, str])


KEYSET = Keyset("audit_events", {"occurred_at": LATEST, "id": HIGHEST_ID})


async def insert(
    conn: Connection, project_id: uuid.UUID, actor: Actor, now: dt.datetime, changes: Sequence[Change]
) -> None:
    """Add changes of a project, with the name that the actor has now.

    What users do outside of projects has a trail too: it stands under the user's id, where others have the project's.
    """
    await conn.execute(
        """
        insert into audit_events (
                   project_id, occurred_at, action, actor_kind, actor_id, actor_name,
                   target_id, target_name, details, address, request_id
               )
        select %(project_id)s::uuid, %(now)s, change.action, %(actor_kind)s, %(actor_id)s::uuid,
               coalesce(
                   (select name from users where id = %(actor_id)s),
                   (select label from api_keys where id = %(actor_id)s),
                   ''
               ),
               change.target_id, change.target_name, change.details::jsonb, %(address)s, %(request_id)s
          from unnest(
                   %(actions)s::text[], %(target_ids)s::uuid[], %(target_names)s::text[], %(details)s::text[]
               ) as change (action, target_id, target_name, details)
        """,
        {
            "project_id": project_id,
            "now": now,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "address": actor.address,
            "request_id": actor.request_id,
            "actions": [change.action for change in changes],
            "target_ids": [change.target_id for change in changes],
            "target_names": [change.target_name for change in changes],
            "details": [orjson.dumps(change.details).decode() for change in changes],
        },
    )


async def list_events(
    conn: Connection, project_id: uuid.UUID, query: AuditQuery, after: Position, limit: int
) -> list[AuditEvent]:
    """The events of a project, or of what a user did outside of projects, that the query asks for, newest first."""
    async with conn.cursor(row_factory=rows(AuditEvent)) as cur:
        await cur.execute(
            """
            select id, occurred_at, action, actor_kind, actor_id, actor_name,
                   target_id, target_name, details, address, request_id
              from audit_events
             where project_id = %(project_id)s
               and (occurred_at, id) < (%(occurred_at)s, %(id)s)
               and (%(action)s::text is null or action = %(action)s)
               and (%(actor_id)s::uuid is null or actor_id = %(actor_id)s)
               and (%(target_id)s::uuid is null or target_id = %(target_id)s)
               and (%(occurred_from)s::timestamptz is null or occurred_at >= %(occurred_from)s)
               and (%(occurred_before)s::timestamptz is null or occurred_at < %(occurred_before)s)
             order by occurred_at desc, id desc
             limit %(limit)s
            """,
            {
                "project_id": project_id,
                "limit": limit,
                **after,
                **attrs.asdict(query),
            },
        )
        return await cur.fetchall()
