"""The kinds of questions: what is asked over HTTP, the SQL beside it, and whether what came back is right."""

from __future__ import annotations

import datetime as dt
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, LiteralString, TypeVar

from psycopg.types.json import Jsonb

from bench.fleet_questions import peers
from bench.fleet_questions.answers import Answer, Counts, History, Runners, Silent, Spread
from bench.fleet_questions.fleet import Fleet
from bench.fleet_questions.rollouts import moment_of
from bench.fleet_questions.rules import Compliant, Rule, id_of

PAGE_SIZE = 100
#: pages are walked in larger steps; a multiple, so that one of them ends where the last small page begins
WALKED_SIZE = 10 * PAGE_SIZE


A = TypeVar("A", bound=Answer)


@dataclass(frozen=True)
class Peer:
    """The straightforward SQL."""

    statement: LiteralString
    parameters: Mapping[str, Any]


@dataclass(kw_only=True)
class KindOfQuestion(ABC, Generic[A]):
    """What all questions have."""

    fleet: Fleet
    name: str
    #: what it must be answered
    answer: A
    #: of an answer over HTTP, its median; None: nothing is promised
    target_ms: float | None
    #: how many times longer the SQL beside it must keep PostgreSQL busy; None: nothing is promised
    times: float | None = None
    #: whether the answer is a list whose last page is wanted
    last_page: bool = False
    #: in force while it is asked
    rules: Sequence[Rule] = ()
    #: whether the server works the answer out in the background, so that it may be late
    settles: ClassVar[bool] = False

    @property
    @abstractmethod
    def path(self) -> str: ...

    @property
    def query(self) -> Mapping[str, str]:
        return {}

    @property
    @abstractmethod
    def peer(self) -> Peer: ...

    @abstractmethod
    def accepts(self, document: Any) -> bool:
        """Say whether the server's answer is right.

        Raises:
            KeyError, TypeError, ValueError: it does not look as expected.
        """

    @abstractmethod
    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Say whether the rows of the peer are right; see `accepts`."""

    @property
    def _project(self) -> str:
        return f"/v1/projects/{self.fleet.big.id}"

    @property
    def _scope(self) -> dict[str, Any]:
        return {"project_id": self.fleet.big.id}


@dataclass(kw_only=True)
class Versions(KindOfQuestion[Counts]):
    """What runs, or ran at a moment: devices by component and version."""

    @property
    def path(self) -> str:
        return f"{self._project}/firmware_versions"

    @property
    def query(self) -> Mapping[str, str]:
        labels = ",".join(f"{key}={value}" for key, value in self.answer.labels.items())
        return _given(component=self.answer.component, at=_text(self.answer.at), labels=labels, state="any")

    @property
    def peer(self) -> Peer:
        at, labels = self.answer.at, Jsonb(dict(self.answer.labels))
        parameters = self._scope | {"component": self.answer.component, "labels": labels}
        if at is None:
            return Peer(peers.VERSIONS_NOW, parameters)
        return Peer(peers.VERSIONS_THEN, parameters | {"at": moment_of(at)})

    def accepts(self, document: Any) -> bool:
        found = {(item["component"], item["version"]): item["devices"] for item in document["items"]}
        return {ran: devices for ran, devices in found.items() if devices} == self.answer.found

    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        return {(component, version): devices for component, version, devices in rows} == self.answer.found


@dataclass(kw_only=True)
class Devices(KindOfQuestion[Runners]):
    """A page of the devices that run, or ran, a version; the peer's by name."""

    @property
    def path(self) -> str:
        return f"{self._project}/devices"

    @property
    def query(self) -> Mapping[str, str]:
        asked = self.answer
        return _given(version=asked.version, component=asked.component, at=_text(asked.at), state="any")

    @property
    def peer(self) -> Peer:
        asked, names = self.answer, self.answer.names
        after = names[-PAGE_SIZE - 1] if self.last_page and len(names) > PAGE_SIZE else ""
        parameters = self._scope | {
            "component": asked.component,
            "version": asked.version,
            "after": after,
            "limit": PAGE_SIZE,
        }
        if asked.at is None:
            return Peer(peers.RUNNERS_NOW, parameters)
        return Peer(peers.RUNNERS_THEN, parameters | {"at": moment_of(asked.at)})

    def accepts(self, document: Any) -> bool:
        """Any of the two orders will do; the last page holds what is left over."""
        found = [uuid.UUID(item["id"]) for item in document["items"]]
        start = (len(self.answer.found) - 1) // PAGE_SIZE * PAGE_SIZE
        return found in (self._page(self.answer.ids, start), self._page(self.answer.ids_by_name, start))

    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        names = self.answer.names
        return [name for (name,) in rows] == self._page(names, max(0, len(names) - PAGE_SIZE))

    def _page(self, all_: Sequence[Any], last: int) -> Sequence[Any]:
        return all_[last:] if self.last_page else all_[:PAGE_SIZE]


@dataclass(kw_only=True)
class Adoption(KindOfQuestion[Spread]):
    """How the versions of a component spread over time."""

    #: as the server calls it: hour, day, week, month
    step: str

    @property
    def path(self) -> str:
        return f"{self._project}/adoption"

    @property
    def query(self) -> Mapping[str, str]:
        first, last = self.answer.moments[0], self.answer.moments[-1]
        return _given(component=self.answer.component, since=_text(first), until=_text(last), step=self.step)

    @property
    def peer(self) -> Peer:
        moments = [moment_of(moment) for moment in self.answer.moments]
        return Peer(peers.ADOPTION, self._scope | {"component": self.answer.component, "moments": moments})

    def accepts(self, document: Any) -> bool:
        """Compare the counts at each moment, and the moments, which must be ours."""
        moments = [int(dt.datetime.fromisoformat(moment).timestamp()) for moment in document["moments"]]
        found = {
            (number, entry["version"]): devices
            for entry in document["versions"]
            for number, devices in enumerate(entry["devices"])
            if devices
        }
        return moments == list(self.answer.moments) and found == self.answer.found

    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        return {(number, version): devices for number, version, devices in rows} == self.answer.found


@dataclass(kw_only=True)
class Past(KindOfQuestion[History]):
    """What one device ran at a moment."""

    @property
    def path(self) -> str:
        return f"/v1/devices/{self.answer.device_id}/firmware_version"

    @property
    def query(self) -> Mapping[str, str]:
        return _given(at=_text(self.answer.at))

    @property
    def peer(self) -> Peer:
        assert self.answer.at is not None
        return Peer(peers.HISTORY, self._scope | {"device_id": self.answer.device_id, "at": moment_of(self.answer.at)})

    def accepts(self, document: Any) -> bool:
        return {item["component"]: item["version"] for item in document["items"]} == self.answer.found

    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        return dict(rows) == self.answer.found


@dataclass(kw_only=True)
class Silence(KindOfQuestion[Silent]):
    """A page of the devices that are silent, or the summary that counts them."""

    summary: bool = False
    settles: ClassVar[bool] = True

    @property
    def path(self) -> str:
        return f"{self._project}/{'fleet_status' if self.summary else 'silent_devices'}"

    @property
    def peer(self) -> Peer:
        return Peer(peers.SILENT, self._scope)

    def accepts(self, document: Any) -> bool:
        if self.summary:
            silent = document["silent"] + document["never_reported"]
            return (document["devices"], silent) == (self.answer.devices, len(self.answer.found))
        found = {uuid.UUID(item["device_id"]) for item in document["items"]}
        return len(found) == min(PAGE_SIZE, len(self.answer.found)) and found <= self.answer.found

    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        return {device_id for (device_id,) in rows} == self.answer.found


@dataclass(kw_only=True)
class Compliance(KindOfQuestion[Compliant]):
    """How many devices run what they should, or ran it at a moment, by rule."""

    @property
    def path(self) -> str:
        return f"{self._project}/compliance"

    @property
    def query(self) -> Mapping[str, str]:
        return _given(at=_text(self.answer.at))

    @property
    def peer(self) -> Peer:
        at = self.answer.at
        if at is None:
            return Peer(peers.COMPLIANCE_NOW, self._scope | {"at": dt.datetime.now(dt.UTC)})
        return Peer(peers.COMPLIANCE_THEN, self._scope | {"at": moment_of(at)})

    def accepts(self, document: Any) -> bool:
        return self._is_right(
            (
                uuid.UUID(item["rule"]["id"]),
                item["on_accepted_version"],
                item["on_other_version"],
                item["without_version"],
            )
            for item in document["items"]
        )

    def accepts_rows(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        return self._is_right(
            (rule_id, accepted, running - accepted, devices - running) for rule_id, devices, running, accepted in rows
        )

    def _is_right(self, counts: Iterable[tuple[uuid.UUID, int, int, int]]) -> bool:
        """Compare the rules that count for any device."""
        found = {rule_id: counts for rule_id, *counts in counts if any(counts)}
        numbers = {number for number, _ in self.answer.found}
        return found == {id_of(one): [self.answer.found[one, ran] for ran in (True, False, None)] for one in numbers}


Question = Versions | Devices | Adoption | Past | Silence | Compliance


def _given(**parameters: str | None) -> dict[str, str]:
    """Leave out what is not asked."""
    return {name: value for name, value in parameters.items() if value}


def _text(at: int | None) -> str | None:
    return moment_of(at).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None
