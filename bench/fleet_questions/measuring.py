"""One question, measured: over HTTP at our server, and its straightforward SQL beside it."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from bench.errors import WrongAnswers
from bench.fleet_questions.ledger import Ledger
from bench.fleet_questions.questions import WALKED_SIZE, Question
from bench.fleet_questions.rules import put_in_force

_ANSWER_SECONDS = 120
#: of a question in a round: so long, and at most so many calls; a single one where that takes longer
_SECONDS, _MOST = 0.5, 100
#: how long the server may take to notice who is silent
_SETTLING_SECONDS = 150
_SETTLING_PAUSE = 5


class NotThere(Exception):
    """The server has no such route, or the route does not know what is asked."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One side of a question in one round."""

    #: of each call, as the client saw it
    times_ms: Sequence[float]
    #: the means of a call, as PostgreSQL counted them
    database_ms: float
    buffers: float
    statements: float

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.times_ms)


@dataclass
class Outcome:
    """What a question came to."""

    question: Question
    #: why there are no samples of ours
    not_there: str | None = None
    samples: list[Sample] = field(default_factory=list[Sample])
    peer_samples: list[Sample] = field(default_factory=list[Sample])
    plans: list[str] = field(default_factory=list[str])
    peer_plans: list[str] = field(default_factory=list[str])


class Api:
    """Our server, asked by one client over a connection that stays open."""

    def __init__(self, url: str, authorization: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_ANSWER_SECONDS)
        self._headers = dict([authorization.split(": ", 1)])

    def get(self, target: str) -> bytes:
        """Ask for a path with its query.

        Raises:
            NotThere: there is no such route, or none with these parameters.
            WrongAnswers: it answers something else than 200.
        """
        try:
            answer = self._send(target)
        except http.client.RemoteDisconnected:  # it was idle while the SQL beside it ran
            self._connection.close()
            answer = self._send(target)
        body = answer.read()
        if answer.status == 200:
            return body
        if answer.status == 404:
            raise NotThere(json.loads(body)["detail"])
        if answer.status == 422 and (fields := _unknown_fields(json.loads(body))):
            raise NotThere(f"The route does not know {', '.join(fields)}.")
        raise WrongAnswers(f"{target}: {answer.status} {body.decode(errors='replace')}")

    def _send(self, target: str) -> http.client.HTTPResponse:
        self._connection.request("GET", target, headers=self._headers)
        return self._connection.getresponse()

    def target_of(self, question: Question) -> str:
        """Make the path and query to time, after the walk to the last page where that is wanted."""
        target = _target(question.path, question.query)
        if not question.last_page:
            return target
        token = None
        while True:
            page = json.loads(
                self.get(_target(question.path, {**question.query, "page_size": str(WALKED_SIZE)}, token))
            )
            if page["next_page_token"] is None:
                return self._last_of(question, token)
            token = page["next_page_token"]

    def _last_of(self, question: Question, token: str | None) -> str:
        """Go on in pages of the usual size."""
        while True:
            target = _target(question.path, question.query, token)
            if (following := json.loads(self.get(target))["next_page_token"]) is None:
                return target
            token = following


@dataclass
class Bench:
    """Measures questions, whose answers are known."""

    api: Api
    #: to the fleet's database
    peers: psycopg.Connection[tuple[Any, ...]]
    ledger: Ledger
    _targets: dict[str, str] = field(default_factory=dict[str, str])

    def prepare(self, question: Question) -> Outcome:
        """Ask once on both sides, compare the answers with what is known, and keep the plans.

        Raises:
            WrongAnswers: an answer is wrong.
        """
        outcome = Outcome(question)
        put_in_force(self.peers, question.fleet.big, question.rules)
        outcome.peer_plans = self.ledger.plans_of(lambda: self._check_peer(question))
        try:
            self._targets[question.name] = target = self.api.target_of(question)
            self._check(question, target)
            outcome.plans = self.ledger.plans_of(lambda: self.api.get(target))
        except NotThere as why:
            outcome.not_there = str(why)
        return outcome

    def measure(self, outcome: Outcome) -> None:
        """Add one sample of each side."""
        put_in_force(self.peers, outcome.question.fleet.big, outcome.question.rules)
        if outcome.not_there is None:
            target = self._targets[outcome.question.name]
            outcome.samples.append(self._sample(lambda: self.api.get(target)))
        with self._before_the_helpers():
            outcome.peer_samples.append(self._sample(lambda: self._ask_peer(outcome.question)))

    def _sample(self, ask: Callable[[], object]) -> Sample:
        first = self._counted(ask, at_most=1)  # it brings back what the other side has pushed out of the caches
        return first if first.p50_ms > 1000 * _SECONDS else self._counted(ask, at_most=_MOST)

    def _counted(self, ask: Callable[[], object], *, at_most: int) -> Sample:
        with self.ledger.counting() as spent:
            times_ms = _timed(ask, at_most)
            done = spent()
        calls = len(times_ms)
        return Sample(
            times_ms=times_ms,
            database_ms=done.ms / calls,
            buffers=done.buffers / calls,
            statements=done.statements / calls,
        )

    def _check(self, question: Question, target: str) -> None:
        """Compare the server's answer; it may take a minute until it has noticed who is silent."""
        deadline = time.monotonic() + _SETTLING_SECONDS
        while not _accepted(question, target, body := self.api.get(target)):
            if not question.settles or time.monotonic() > deadline:
                raise WrongAnswers(f"{question.name}: {target} is answered wrongly: {body[:1000]!r}")
            time.sleep(_SETTLING_PAUSE)

    def _check_peer(self, question: Question) -> None:
        with self._before_the_helpers():
            rows = self._ask_peer(question)
        if not question.accepts_rows(rows):
            raise WrongAnswers(f"{question.name}: the SQL beside it answers something else than the generator.")

    @contextmanager
    def _before_the_helpers(self) -> Generator[None]:
        """Hide the indexes that this schema has for the fleet's questions: dropped, and never committed."""
        with self.peers.transaction(force_rollback=True):
            self.peers.execute("drop index device_firmware_periods_span_idx, device_firmware_periods_version_idx")
            yield

    def _ask_peer(self, question: Question) -> list[tuple[Any, ...]]:
        peer = question.peer
        return self.peers.execute(peer.statement, peer.parameters).fetchall()


def _unknown_fields(problem: Any) -> list[str]:
    return [error["pointer"].removeprefix("/") for error in problem["errors"] if error["code"] == "unknown_field"]


def _accepted(question: Question, target: str, body: bytes) -> bool:
    try:
        return question.accepts(json.loads(body))
    except (KeyError, TypeError, ValueError) as error:
        raise WrongAnswers(f"{question.name}: {target} has another shape: {error!r} in {body[:1000]!r}") from error


def _timed(ask: Callable[[], object], at_most: int) -> list[float]:
    times_ms: list[float] = []
    end = time.perf_counter() + _SECONDS
    while not times_ms or (len(times_ms) < at_most and time.perf_counter() < end):
        began = time.perf_counter()
        ask()
        times_ms.append(1000 * (time.perf_counter() - began))
    return times_ms


def _target(path: str, query: Any, token: str | None = None) -> str:
    parameters = dict(query) | ({"page_token": token} if token else {})
    return f"{path}?{urlencode(parameters)}" if parameters else path
