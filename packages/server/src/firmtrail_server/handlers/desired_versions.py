"""Desired versions: what devices should run, as rules by component and labels. Nothing is installed by them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_contract import (
    MAX_RULES,
    AuditAction,
    DesiredVersion,
    DesiredVersionList,
    DesiredVersionQuery,
    DeviceDesiredVersion,
    NewDesiredVersion,
    Page,
)
from firmtrail_server.db import Connection
from firmtrail_server.errors import DesiredVersionEnded, PriorityTaken, TooManyDesiredVersions
from firmtrail_server.history.desired_versions import rules_for
from firmtrail_server.http.context import Context
from firmtrail_server.http.results import Created
from firmtrail_server.queries import desired_versions, devices
from firmtrail_server.queries.audit_events import Change


async def create_desired_version(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: NewDesiredVersion
) -> Created[DesiredVersion]:
    """Of several rules for a device, the one with the greatest priority counts.

    409 when another rule of the component has this priority, unless `replaces` names it: then that one ends in the
    moment in which this one begins. A project has at most 50 rules in force.
    """
    now = ctx.now()
    if body.replaces is not None:
        await _replace(ctx, conn, project_id, body.replaces, now)
    others = await desired_versions.list_not_ended(conn, project_id)
    _check_place(body, others)
    rule = await desired_versions.insert(conn, project_id, body, ctx.principal.actor_id, now)
    details = {"priority": str(rule.priority), "labels": _labels(rule)}
    await ctx.audit(conn, Change(AuditAction.DESIRED_VERSION_SET, rule.id, _name(rule), details))
    return Created(rule)


async def list_desired_versions(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: DesiredVersionQuery
) -> DesiredVersionList:
    """Those in force now or at a moment; by choice those that had ended by then. Filters add up."""
    now = ctx.now()
    at = min(query.at or now, now)
    after = desired_versions.KEYSET.position(query, project_id)
    asked = attrs.evolve(query, at=at)
    found = await desired_versions.list_rules(conn, project_id, asked, after, query.page_size + 1)
    page = desired_versions.KEYSET.page(found, query, project_id)
    return DesiredVersionList(items=page.items, next_page_token=page.next_page_token, as_of=at)


async def end_desired_version(
    ctx: Context, conn: Connection, project_id: uuid.UUID, desired_version_id: uuid.UUID
) -> DesiredVersion:
    """One that has ended already stays as it is."""
    rule = await desired_versions.get(conn, project_id, desired_version_id)
    return rule if rule.ended_at is not None else await _end(ctx, conn, rule, ctx.now())


async def list_device_desired_versions(
    ctx: Context, conn: Connection, device_id: uuid.UUID
) -> Page[DeviceDesiredVersion]:
    """A component without a rule is left out; of a device that is retired, nothing is desired."""
    project_id = ctx.principal.project_id
    device = await devices.get(conn, project_id, device_id)
    rules = await desired_versions.list_in_force(conn, project_id, ctx.now(), None)
    counting = rules_for(rules, device.labels) if device.retired_at is None else []
    return Page(
        items=[
            DeviceDesiredVersion(
                component=rule.component, versions=rule.versions, desired_version_id=rule.id, set_at=rule.set_at
            )
            for rule in counting
        ]
    )


def _check_place(new: NewDesiredVersion, others: Sequence[DesiredVersion]) -> None:
    """Refuse a rule for which there is no place."""
    if len(others) >= MAX_RULES:
        raise TooManyDesiredVersions(MAX_RULES)
    for other in others:
        if (other.component, other.priority) == (new.component, new.priority):
            raise PriorityTaken(other.priority, other.id)


async def _replace(
    ctx: Context, conn: Connection, project_id: uuid.UUID, desired_version_id: uuid.UUID, now: dt.datetime
) -> None:
    rule = await desired_versions.get(conn, project_id, desired_version_id)
    if rule.ended_at is not None:
        raise DesiredVersionEnded(desired_version_id)
    await _end(ctx, conn, rule, now)


async def _end(ctx: Context, conn: Connection, rule: DesiredVersion, now: dt.datetime) -> DesiredVersion:
    ended = await desired_versions.end(conn, rule.project_id, rule.id, now)
    await ctx.audit(conn, Change(AuditAction.DESIRED_VERSION_ENDED, rule.id, _name(rule)))
    return ended


def _name(rule: DesiredVersion) -> str:
    """What the audit trail calls a rule: `main 1.4.2, 1.5.0`."""
    return f"{rule.component} {', '.join(rule.versions)}"


def _labels(rule: DesiredVersion) -> str:
    return ",".join(f"{key}={value}" for key, value in rule.labels.items())
