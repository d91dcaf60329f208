"""Which devices run what they should: examples over HTTP, and a count that asks every rule about every device."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.callers import Caller, key_of, made, read
from tests.server.conftest import Clock, Demo, seed
from tests.server.fleet_model import FleetModel, Observation

START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
COMPONENTS = ("main", "modem")
#: the devices on an accepted version, on another one and without one
Counts = tuple[int, int, int]


def hour(n: int) -> dt.datetime:
    return START + dt.timedelta(hours=n)


@attrs.define
class Rule:
    """A rule as the server knows it, with its moments in hours."""

    id: str
    component: str
    versions: list[str]
    labels: dict[str, str]
    priority: int
    set_at: int
    ended_at: int | None = None

    def is_in_force(self, at: int) -> bool:
        return self.set_at <= at and (self.ended_at is None or at < self.ended_at)


@attrs.define
class Fleet:
    """A project with devices and rules, and the same as a model."""

    owner: Caller
    clock: Clock
    model: FleetModel = attrs.field(factory=FleetModel)
    rules: list[Rule] = attrs.field(factory=list[Rule])
    registered: dict[str, int] = attrs.field(factory=dict[str, int])
    keys: dict[str, Caller] = attrs.field(factory=dict[str, Caller])
    now: int = 0

    def wait(self, hours: int) -> None:
        self.now += hours
        self.clock.moment = hour(self.now)

    async def register(self, labels: dict[str, str]) -> str:
        new = {"name": f"device {len(self.registered)}", "labels": labels}
        device_id: str = made(await self.owner.post("projects/current/devices", new))["id"]
        self.registered[device_id], self.model.labels[device_id] = self.now, labels
        key = made(await self.owner.post(f"devices/{device_id}/api_keys", {}))
        self.keys[device_id] = Caller(self.owner.http, key_of(key))
        return device_id

    async def report(self, device_id: str, component: str, version: str, at: int) -> None:
        report = {"component": component, "version": version, "observed_at": hour(at).isoformat()}
        path = f"devices/{device_id}/firmware_version"
        assert (await self.keys[device_id].post(path, report)).is_success
        self.model.observations.append(Observation(device_id, component, version, at))

    async def label(self, device_id: str, labels: dict[str, str]) -> None:
        change = dict.fromkeys(self.model.labels[device_id]) | labels
        read(await self.owner.patch(f"devices/{device_id}", {"labels": change}))
        self.model.labels[device_id] = labels

    async def retire(self, device_id: str) -> None:
        read(await self.owner.post(f"devices/{device_id}/retire"))
        self.model.retired_at.setdefault(device_id, self.now)

    async def delete(self, device_id: str) -> None:
        assert (await self.owner.delete(f"devices/{device_id}")).status_code == 204
        self.model.deleted.add(device_id)

    async def rule(
        self, versions: list[str], component: str = "main", labels: dict[str, str] | None = None, priority: int = 0
    ) -> Rule:
        """Set a rule, in the place of the one that has its priority."""
        new = {"versions": versions, "component": component, "labels": labels or {}, "priority": priority}
        for old in self.rules:
            if old.ended_at is None and (old.component, old.priority) == (component, priority):
                new["replaces"], old.ended_at = old.id, self.now
        made_rule = made(await self.owner.post("projects/current/desired_versions", new))
        rule = Rule(made_rule["id"], component, versions, labels or {}, priority, self.now)
        self.rules.append(rule)
        return rule

    async def end(self, rule: Rule) -> None:
        read(await self.owner.post(f"projects/current/desired_versions/{rule.id}/end"))
        rule.ended_at = self.now if rule.ended_at is None else rule.ended_at

    async def found(self, **query: Any) -> dict[str, Counts]:
        """What the server counts, by rule."""
        return self._counts(read(await self.owner.get("projects/current/compliance", **query))["items"])

    async def summed_up(self, **query: Any) -> dict[str, Counts]:
        """What the summary says, by rule."""
        return self._counts(read(await self.owner.get("projects/current/fleet_status", **query))["compliance"])

    def _counts(self, items: list[dict[str, Any]]) -> dict[str, Counts]:
        assert all(
            item["devices"] == item["on_accepted_version"] + item["on_other_version"] + item["without_version"]
            for item in items
        )
        return {
            item["rule"]["id"]: (item["on_accepted_version"], item["on_other_version"], item["without_version"])
            for item in items
        }

    def expected(self, at: int, labels: dict[str, str] | None = None) -> dict[str, Counts]:
        """What a person counts who asks every rule about every device."""
        seen = Counter[tuple[str, int]]()
        for device_id in self.registered:
            for component in COMPONENTS:
                rule = self.rule_of(device_id, component, at)
                place = self.place(device_id, rule, at) if rule else None
                if rule and place is not None and (labels or {}).items() <= self.model.labels[device_id].items():
                    seen[rule.id, place] += 1
        in_force = [rule.id for rule in self.rules if rule.is_in_force(at)]
        return {rule_id: (seen[rule_id, 0], seen[rule_id, 1], seen[rule_id, 2]) for rule_id in in_force}

    def rule_of(self, device_id: str, component: str, at: int) -> Rule | None:
        matching = [
            rule
            for rule in self.rules
            if rule.component == component
            and rule.is_in_force(at)
            and rule.labels.items() <= self.model.labels[device_id].items()
        ]
        return max(matching, key=lambda rule: rule.priority, default=None)

    def place(self, device_id: str, rule: Rule, at: int) -> int | None:
        """Say where a device counts: 0, 1 or 2 as in `Counts`; None: nowhere."""
        if device_id in self.model.deleted or self.model.retired_at.get(device_id, at + 1) <= at:
            return None
        version = self.model.version_at(device_id, rule.component, at)
        if version is None:
            return 2 if self.registered[device_id] <= at else None
        return 0 if version in rule.versions else 1


@pytest.fixture
async def fleet(http: httpx.AsyncClient, clock: Clock) -> Fleet:
    return await new_fleet(http, clock)


async def new_fleet(http: httpx.AsyncClient, clock: Clock) -> Fleet:
    """A project without devices."""
    clock.moment = START
    demo: Demo = await seed(http)
    owner = Caller(http, demo.project_key)
    await owner.delete(f"devices/{demo.device_id}")
    return Fleet(owner, clock)


async def test_the_greatest_priority_counts_where_labels_overlap(fleet: Fleet) -> None:
    berlin, rack = await fleet.register({"site": "berlin"}), await fleet.register({"site": "berlin", "rack": "1"})
    await fleet.register({"site": "oslo"})
    everywhere = await fleet.rule(["1"])
    in_berlin = await fleet.rule(["2"], labels={"site": "berlin"}, priority=1)
    in_racks = await fleet.rule(["3", "2"], labels={"rack": "1"}, priority=2)
    for device_id in (berlin, rack):
        await fleet.report(device_id, "main", "2", 0)

    assert await fleet.found() == {everywhere.id: (0, 0, 1), in_berlin.id: (1, 0, 0), in_racks.id: (1, 0, 0)}
    assert await fleet.found(labels="site=berlin") == {
        everywhere.id: (0, 0, 0),
        in_berlin.id: (1, 0, 0),
        in_racks.id: (1, 0, 0),
    }
    assert (await fleet.found(labels="rack"))[in_racks.id] == (1, 0, 0)
    assert await fleet.found(component="modem") == {}


async def test_a_rule_that_all_devices_pass_by_counts_none(fleet: Fleet) -> None:
    await fleet.register({"site": "berlin"})
    hidden = await fleet.rule(["1"], labels={"site": "berlin"})
    everywhere = await fleet.rule(["2"], priority=1)

    assert await fleet.found() == {everywhere.id: (0, 0, 1), hidden.id: (0, 0, 0)}


async def test_the_rules_and_the_versions_are_those_of_the_moment(fleet: Fleet) -> None:
    device = await fleet.register({})
    await fleet.report(device, "main", "1", 0)
    first = await fleet.rule(["1"])
    fleet.wait(2)
    await fleet.report(device, "main", "2", 1)
    second = await fleet.rule(["2"])
    fleet.wait(2)
    await fleet.end(second)

    assert await fleet.found(at=hour(0).isoformat()) == {first.id: (1, 0, 0)}
    assert await fleet.found(at=hour(1).isoformat()) == {first.id: (0, 1, 0)}
    assert await fleet.found(at=hour(2).isoformat()) == {second.id: (1, 0, 0)}
    assert await fleet.found() == await fleet.found(at=hour(9).isoformat()) == {}


async def test_an_answer_says_that_labels_are_those_of_today(fleet: Fleet) -> None:
    device = await fleet.register({"site": "berlin"})
    rule = await fleet.rule(["1"], labels={"site": "oslo"})
    fleet.wait(3)
    await fleet.label(device, {"site": "oslo"})

    answer = read(await fleet.owner.get("projects/current/compliance", at=hour(1).isoformat()))

    assert answer["as_of"] == "2026-06-01T01:00:00.000000Z"
    assert answer["labels_as_of"] == "2026-06-01T03:00:00.000000Z"
    assert await fleet.found(at=hour(1).isoformat()) == {rule.id: (0, 0, 1)}


async def test_retired_and_deleted_devices_leave_the_counts(fleet: Fleet) -> None:
    retired, deleted = await fleet.register({}), await fleet.register({})
    rule = await fleet.rule(["1"])
    fleet.wait(2)
    await fleet.retire(retired)
    await fleet.delete(deleted)

    assert await fleet.found() == {rule.id: (0, 0, 0)}
    assert await fleet.found(at=hour(1).isoformat()) == {rule.id: (0, 0, 1)}


async def test_another_projects_devices_and_rules_do_not_count(
    fleet: Fleet, http: httpx.AsyncClient, clock: Clock
) -> None:
    await (await new_fleet(http, clock)).register({})
    theirs = await new_fleet(http, clock)
    await theirs.register({})
    await theirs.rule(["1"])
    ours = await fleet.rule(["1"])

    assert await fleet.found() == {ours.id: (0, 0, 0)}


labels = st.dictionaries(st.sampled_from(["site", "rack"]), st.sampled_from(["a", "b"]))
component, number, hours = st.sampled_from(COMPONENTS), st.integers(0, 3), st.integers(0, 12)
versions = st.lists(st.sampled_from("123"), min_size=1, max_size=2, unique=True)
events = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 3)),
        st.tuples(st.just("register"), labels),
        st.tuples(st.just("report"), number, component, st.sampled_from("123"), hours),
        st.tuples(st.just("report"), number, component, st.sampled_from("123"), hours),
        st.tuples(st.just("rule"), versions, component, labels, st.integers(0, 2)),
        st.tuples(st.just("rule"), versions, st.just("main"), labels, st.integers(0, 2)),
        st.tuples(st.just("end"), number),
        st.tuples(st.just("label"), number, labels),
        st.tuples(st.sampled_from(["retire", "delete"]), number),
    ),
    min_size=5,
    max_size=25,
)


async def happen(fleet: Fleet, event: tuple[Any, ...]) -> None:
    """Let one thing happen, if there is something for it to happen to."""
    living = [one for one in fleet.registered if one not in fleet.model.deleted | fleet.model.retired_at.keys()]
    match event:
        case "wait", hours:
            fleet.wait(hours)
        case "register", labels:
            await fleet.register(labels)
        case "rule", versions, component, labels, priority:
            await fleet.rule(versions, component, labels, priority)
        case "end", number:
            for rule in fleet.rules[number : number + 1]:
                await fleet.end(rule)
        case "report", number, component, version, at if number < len(living):
            await fleet.report(living[int(number)], component, version, min(at, fleet.now))
        case what, number, *more if number < len(living):
            await getattr(fleet, what)(living[int(number)], *more)
        case _:
            pass


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events, labels, st.lists(hours, min_size=1, max_size=4))
async def test_compliance_equals_a_naive_count_at_any_moment(
    http: httpx.AsyncClient,
    clock: Clock,
    events: list[tuple[Any, ...]],
    filtered: dict[str, str],
    moments: list[int],
) -> None:
    fleet = await new_fleet(http, clock)
    await fleet.register({"site": "a"})
    await fleet.register({"site": "b", "rack": "a"})
    for event in events:
        await happen(fleet, event)
    query = {"labels": ",".join(f"{key}={value}" for key, value in filtered.items())} if filtered else {}

    assert await fleet.found(**query) == fleet.expected(fleet.now, filtered)
    assert await fleet.summed_up(**query) == fleet.expected(fleet.now, filtered)
    for at in moments:
        asked = min(at, fleet.now)
        assert await fleet.found(at=hour(at).isoformat(), **query) == fleet.expected(asked, filtered)
        assert await fleet.found(at=hour(at).isoformat()) == fleet.expected(asked)
