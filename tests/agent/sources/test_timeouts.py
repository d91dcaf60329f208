"""Sources that hang, raise what no source should raise, or say what no source may say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from firmtrail_agent.daemon.round import READING_TIMEOUT_SECONDS
from firmtrail_agent.sources import Reading, read_all
from firmtrail_agent.sources.auto import BESIDE, FOR_MAIN
from firmtrail_agent.sources.engine.reading import READ_TIMEOUT_SECONDS
from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed, Unknown
from firmtrail_agent.sources.engine.timeouts import (
    LAST_START_SECONDS,
    MAX_AT_ONCE,
    MAX_TIMEOUT_SECONDS,
    TimedCall,
    TimedOut,
)


@attrs.frozen(kw_only=True)
class Made:
    """A source that says what the test wants."""

    type: ClassVar[str] = "made"
    say: Callable[[], Iterable[Found | Unknown]]
    component: str = "main"
    timeout_seconds: float = 0

    def find(self, root: Path) -> Iterable[Found | Unknown]:
        return self.say()


@pytest.fixture
def forever() -> Generator[threading.Event]:
    """Something to wait for that comes when the test is over."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "the disk":
            thread.join()


def within(seconds: float, name: str, work: Callable[[], object]) -> object:
    call = TimedCall(seconds, name, work)
    call.start()
    return call.result()


def found(component: str = "main", version: str = "1", detail: str = "here") -> Found:
    return Found(component=component, version=version, detail=detail)


def said(*words: object) -> list[Reading]:
    return read_all([Made(say=lambda: words)], Path("/"))  # pyright: ignore[reportArgumentType]  also what no source may say


def test_a_hanging_call_times_out(forever: threading.Event) -> None:
    with pytest.raises(TimedOut, match=r"has not answered within 0\.01 s"):
        within(0.01, "the disk", forever.wait)


def test_a_call_that_still_hangs_is_not_started_again(forever: threading.Event) -> None:
    with pytest.raises(TimedOut):
        within(0.01, "the disk", forever.wait)

    with pytest.raises(TimedOut, match="still hangs"):
        within(60, "the disk", lambda: pytest.fail("it was asked"))


def test_a_hanging_call_blocks_no_other_call(forever: threading.Event) -> None:
    with pytest.raises(TimedOut):
        within(0.01, "the disk", forever.wait)

    assert within(60, "another disk", lambda: 7) == 7


def test_a_hanging_source_is_an_error_and_the_next_is_read(
    forever: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmtrail_agent.sources.engine.reading.READ_TIMEOUT_SECONDS", 0.01)

    def hang() -> list[Found]:
        forever.wait()
        return []

    patient = Made(say=lambda: [found("modem")], component="modem", timeout_seconds=60)

    hanging, good = read_all([Made(say=hang), patient], Path("/"))

    assert "has not answered" in (hanging.error or "")
    assert good.version == "1"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let seconds be hundredths."""
    monkeypatch.setattr("firmtrail_agent.sources.engine.reading.READ_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr("firmtrail_agent.sources.engine.timeouts.TURN_SECONDS", 0.01)
    monkeypatch.setattr("firmtrail_agent.sources.engine.timeouts.LAST_START_SECONDS", 0.8)


@pytest.mark.usefixtures("hasty")
def test_sources_with_a_short_timeout_run_before_hanging_ones(forever: threading.Event) -> None:
    def hang() -> list[Found]:
        forever.wait()
        return []

    hanging = [Made(say=hang, component=f"part{number}", timeout_seconds=0.3) for number in range(40)]
    good = Made(say=lambda: [found()])

    *silent, told = read_all([*hanging, good], Path("/"))

    assert told.version == "1"
    assert [reading.component for reading in silent] == [source.component for source in hanging]
    errors = [reading.error or "" for reading in silent]
    assert {error.partition(":")[0] for error in errors} == {
        "it has not answered within 0.35 s",
        "it had no turn, since others took their time",
    }


class Counting:
    """Sources that take some time, and how many of them were asked at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open = 0
        self._numbers = count()
        self.most = 0

    def say(self) -> list[Found]:
        self._open += 1
        self.most = max(self.most, self._open)
        time.sleep(self._seconds)
        self._open -= 1
        return [found(f"part{next(self._numbers)}")]


@pytest.mark.usefixtures("hasty")
def test_concurrent_sources_are_limited() -> None:
    slow = Counting(seconds=0.1)

    readings = read_all([Made(say=slow.say, timeout_seconds=1) for _ in range(12)], Path("/"))

    assert slow.most == MAX_AT_ONCE
    assert [reading.version for reading in readings] == ["1"] * 12


def test_quick_sources_run_one_after_the_other() -> None:
    quick = Counting(seconds=0.01)

    read_all([Made(say=quick.say) for _ in range(12)], Path("/"))

    assert quick.most == 1


def test_the_timeout_of_a_round_exceeds_that_of_its_sources() -> None:
    automatic = [READ_TIMEOUT_SECONDS + getattr(source, "timeout_seconds", 0) for source in (*FOR_MAIN, *BESIDE)]

    assert LAST_START_SECONDS + READ_TIMEOUT_SECONDS + MAX_TIMEOUT_SECONDS < READING_TIMEOUT_SECONDS
    assert sum(automatic) < READING_TIMEOUT_SECONDS


@pytest.mark.parametrize("problem", [RuntimeError("boom"), KeyError("x"), UnicodeError(), OSError(5, "Input/output")])
def test_an_unexpected_exception_is_an_error_of_that_source(problem: Exception) -> None:
    def break_down() -> list[Found]:
        raise problem

    (reading,) = read_all([Made(say=break_down)], Path("/"))

    assert reading.version is None
    assert reading.error == f"the source made is broken, tell its author: {problem!r}"


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (SourceFailed(""), "it gives no reason"),
        (SourceAbsent(" \n"), "it gives no reason"),
    ],
)
def test_a_failure_without_a_message_has_a_reason(problem: Exception, error: str) -> None:
    def break_down() -> list[Found]:
        raise problem

    failed, good = read_all([Made(say=break_down), Made(say=lambda: [found("modem")])], Path("/"))

    assert (failed.component, failed.version, failed.error) == ("main", None, error)
    assert good.version == "1"


def test_an_unknown_component_without_a_message_has_a_reason() -> None:
    (reading,) = said(Unknown(component="main", error=""))

    assert reading.error == "it gives no reason"


def test_an_exception_while_iterating_is_an_error() -> None:
    def stutter() -> Generator[Found]:
        yield found("modem")
        raise RuntimeError("boom")

    (reading,) = read_all([Made(say=stutter)], Path("/"))

    assert (reading.component, reading.version) == ("main", None)


@pytest.mark.parametrize(
    "words",
    [
        found(component="Main"),
        found(component=""),
        found(version=3),  # pyright: ignore[reportArgumentType]  the point of the test
        "1.4.2",
        None,
    ],
)
def test_a_result_of_a_wrong_type_is_an_error(words: Any) -> None:
    (reading,) = said(words)

    assert (reading.component, reading.version) == ("main", None)
    assert "the source made is broken" in (reading.error or "")


@pytest.mark.parametrize("version", ["", " ", "1" * 129, "1\n2", "1\x1b[31m", "\ud800", "N/A"])
def test_a_version_beyond_the_contracts_limits_is_an_error(version: str) -> None:
    (reading,) = said(found(version=version))

    assert reading.version is None
    assert (reading.error or "").startswith("here: the version ")


def test_messages_of_sources_are_cleaned() -> None:
    error, good = said(Unknown(component="a", error="\x1b[31m\n" + "x" * 9000), found(detail="\ud800"))

    assert (error.error or "").startswith("?[31m xxx")
    assert len(error.error or "") == 400
    assert good.detail == "?"


def test_one_component_from_two_sources_is_an_error_that_names_both() -> None:
    first, second = Made(say=lambda: [found(detail="/a")]), Made(say=lambda: [found(version="2", detail="/b")])

    (reading,) = read_all([first, second], Path("/"))

    assert reading.version is None
    assert reading.error == (
        "made (/a) and made (/b) give a version of main each; give it another component in all but one"
    )


def test_two_sources_that_fail_under_one_name_are_both_told() -> None:
    (reading,) = said(Unknown(component="main", error="no answer"), Unknown(component="main", error="no bus"))

    assert reading.error == "no answer; no bus"


def test_an_error_and_a_version_of_one_component_give_no_version() -> None:
    (reading,) = said(found(), Unknown(component="main", error="no answer"))

    assert reading.version is None
