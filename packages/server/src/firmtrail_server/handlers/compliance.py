"""Which devices run what they should, now or as of any moment."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import groupby

from firmtrail_contract import Compliance, ComplianceQuery, DesiredVersion, RuleCompliance
from firmtrail_server.db import Connection
from firmtrail_server.history.desired_versions import in_order
from firmtrail_server.http.context import Context
from firmtrail_server.queries import compliance, desired_versions
from firmtrail_server.queries.compliance import Governed, RuleCount


async def get_compliance(ctx: Context, conn: Connection, project_id: uuid.UUID, query: ComplianceQuery) -> Compliance:
    """A device counts for the rule of the greatest priority whose labels it has today.

    It counts if it was in service at the moment, and registered or running something; deleted devices never do.
    """
    now = ctx.now()
    at = min(query.at or now, now)
    in_force = await desired_versions.list_in_force(conn, project_id, at, query.component)
    items: list[RuleCompliance] = []
    for _, of_component in groupby(in_order(in_force), key=lambda rule: rule.component):
        rules = [*of_component]
        governed = Governed(rules=rules, labels=query.labels, at=at, is_now=at == now)
        counts = await compliance.count_devices(conn, project_id, governed)
        items += _by_rule(rules, counts)
    return Compliance(as_of=at, labels_as_of=now, items=items)


def _by_rule(rules: Sequence[DesiredVersion], counts: Sequence[RuleCount]) -> list[RuleCompliance]:
    counted = {count.position: count for count in counts}
    nothing = RuleCount(position=0, devices=0, running=0, accepted=0)
    return [_result(rule, counted.get(position, nothing)) for position, rule in enumerate(rules, start=1)]


def _result(rule: DesiredVersion, count: RuleCount) -> RuleCompliance:
    return RuleCompliance(
        rule=rule,
        devices=count.devices,
        on_accepted_version=count.accepted,
        on_other_version=count.running - count.accepted,
        without_version=count.devices - count.running,
    )
