"""Which devices run what they should, now or as of any moment."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby, takewhile

import attrs

from firmtrail_contract import Compliance, ComplianceQuery, DesiredVersion, DeviceState, RuleCompliance
from firmtrail_server.db import Connection
from firmtrail_server.history.desired_versions import in_order
from firmtrail_server.http.context import Context
from firmtrail_server.queries import compliance, desired_versions
from firmtrail_server.queries.compliance import Looked, RanCount
from firmtrail_server.queries.counted import Counted
from firmtrail_server.queries.firmware_versions import ALL, CountedVersion, count_now

#: devices by the version that they ran; None: they ran none
Ran = Counter[str | None]


@attrs.frozen
class Running:
    """What all devices in service run or ran, whatever their labels."""

    #: those that are registered, or were then
    devices: int
    versions: Sequence[CountedVersion | RanCount]

    def of(self, component: str) -> Ran:
        of_component = [one for one in self.versions if one.component == component]
        ran = Ran({one.version: one.devices for one in of_component})
        unregistered = sum(one.unregistered for one in of_component if isinstance(one, RanCount))
        ran[None] = self.devices - (ran.total() - unregistered)
        return ran


async def get_compliance(ctx: Context, conn: Connection, project_id: uuid.UUID, query: ComplianceQuery) -> Compliance:
    """A device counts for the rule of the greatest priority whose labels it has today.

    It counts if it was in service at the moment, and registered or running something; deleted devices never do.
    """
    now = ctx.now()
    at = min(query.at or now, now)
    rules = in_order(await desired_versions.list_in_force(conn, project_id, at, query.component))
    looked = Looked(labels=query.labels, at=at, is_now=at == now)
    items = await count_by_rule(conn, project_id, looked, rules, await _running(conn, project_id, looked, rules))
    return Compliance(as_of=at, labels_as_of=now, items=items)


async def count_by_rule(
    conn: Connection, project_id: uuid.UUID, looked: Looked, rules: Sequence[DesiredVersion], running: Running
) -> list[RuleCompliance]:
    """Count the devices of rules that are in order.

    Only devices with the labels of a rule are met one by one: a rule for all counts those that they leave.
    """
    items: list[RuleCompliance] = []
    for component, of_component in groupby(rules, key=lambda rule: rule.component):
        all_rules = [*of_component]
        labelled = [*takewhile(lambda rule: rule.labels, all_rules)]
        ran = await _ran(conn, project_id, looked, labelled)
        if len(labelled) < len(all_rules):
            ran.append(running.of(component) - sum(ran, Ran()))
        ran += [Ran()] * (len(all_rules) - len(ran))  # a rule behind one for all devices counts for none
        items += map(_result, all_rules, ran)
    return items


async def _running(conn: Connection, project_id: uuid.UUID, looked: Looked, rules: Sequence[DesiredVersion]) -> Running:
    """What the components ran that have a rule for all devices."""
    components = sorted({rule.component for rule in rules if not rule.labels})
    devices = await compliance.count_in_service(conn, project_id, looked)
    if not looked.is_now:
        return Running(devices, await compliance.count_ran(conn, project_id, looked, components))
    counted = Counted(components=components, labels=looked.labels, state=DeviceState.ACTIVE)
    return Running(devices, await count_now(conn, project_id, counted, looked.at, ALL))


async def _ran(conn: Connection, project_id: uuid.UUID, looked: Looked, rules: Sequence[DesiredVersion]) -> list[Ran]:
    """What the devices of each rule ran."""
    by_position: defaultdict[int, Ran] = defaultdict(Ran)
    for one in await compliance.count_governed(conn, project_id, looked, rules) if rules else []:
        by_position[one.position][one.version] += one.devices
    return [by_position[position] for position in range(1, len(rules) + 1)]


def _result(rule: DesiredVersion, ran: Ran) -> RuleCompliance:
    accepted = sum(ran[version] for version in {*rule.versions})
    return RuleCompliance(
        rule=rule,
        devices=ran.total(),
        on_accepted_version=accepted,
        on_other_version=ran.total() - ran[None] - accepted,
        without_version=ran[None],
    )
