"""Rules that say which versions devices should run, as rows of the database, and how many devices keep to them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg.types.json import Jsonb

from bench.fleet_questions.answers import running
from bench.fleet_questions.fleet import Device, Project
from bench.fleet_questions.rollouts import BEGIN, moment_of, version_name


@dataclass(frozen=True)
class Rule:
    """The versions that devices with some labels should run."""

    component: str
    versions: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Compliant:
    """The devices in service for which each rule counts: the first of its component whose labels a device has."""

    at: int | None
    rules: Sequence[Rule]
    #: by the number of the rule, and whether they ran one of its versions; None: they ran none at all
    found: Counter[tuple[int, bool | None]] = field(default_factory=Counter[tuple[int, bool | None]])

    def add(self, device: Device) -> None:
        created_at, retired_at = device.life.created_at, device.life.retired_at
        if retired_at is not None and (self.at is None or retired_at <= self.at):
            return
        ran = {one.component: version_name(one.version) for one in running(device, self.at)}
        is_registered = self.at is None or created_at <= self.at
        for component, number in self._governing(device).items():
            if component in ran:
                self.found[number, ran[component] in self.rules[number].versions] += 1
            elif is_registered:
                self.found[number, None] += 1

    def _governing(self, device: Device) -> dict[str, int]:
        """Find the rule of each component."""
        found: dict[str, int] = {}
        for number, rule in enumerate(self.rules):
            if rule.labels.items() <= device.labels.items():
                found.setdefault(rule.component, number)
        return found


def id_of(number: int) -> uuid.UUID:
    """Name a rule by its place among the others."""
    return uuid.UUID(int=number)


def put_in_force(conn: psycopg.Connection, project: Project, rules: Sequence[Rule]) -> None:
    """Let these rules, the greatest priority first, and no others be in force, and have been from the beginning."""
    conn.execute("delete from desired_versions where project_id = %(project_id)s", {"project_id": project.id})
    for number, rule in enumerate(rules):
        conn.execute(
            """
            insert into desired_versions (id, project_id, component, labels, priority, versions, set_by, set_at)
            values (%(id)s, %(project_id)s, %(component)s, %(labels)s, %(priority)s, %(versions)s, %(id)s, %(set_at)s)
            """,
            {
                "id": id_of(number),
                "project_id": project.id,
                "component": rule.component,
                "labels": Jsonb(dict(rule.labels)),
                "priority": len(rules) - number,
                "versions": Jsonb(list(rule.versions)),
                "set_at": moment_of(BEGIN),
            },
        )
