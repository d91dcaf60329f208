"""The table: which questions are asked, and how fast each must be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bench.fleet_questions.answers import Counts, History, Runners, Silent, Spread
from bench.fleet_questions.fleet import Device, Fleet, Life
from bench.fleet_questions.questions import Adoption, Compliance, Devices, Past, Question, Silence, Versions
from bench.fleet_questions.rollouts import ALL, COMPONENTS, DAY, END, HOUR, TENTH, Release, Ring, version_name
from bench.fleet_questions.rules import Compliant, Rule

WEEK = 7 * DAY
_LOOKED_AT = 1000
#: of the past, how many times longer the straightforward SQL must take
_TIMES = 5
#: moments of the past: of many changes lately, in the middle of the history, near its beginning
LAST_WEEK, NINE_MONTHS, LONG_AGO = END - WEEK, END - 274 * DAY, END - 670 * DAY
_SITE, _TENTH, _FIFTH = {"site": "site-07"}, {"model": "edge-3"}, {"model": "edge-2"}


def line_up(fleet: Fleet) -> list[Question]:
    """Make all questions about a fleet; `work_out` has to fill in their answers."""
    return [
        *_versions(fleet),
        *_devices(fleet),
        *_adoption(fleet),
        *_histories(fleet),
        *_silence(fleet),
        *_compliance(fleet),
    ]


def _versions(fleet: Fleet) -> Iterator[Question]:
    def asked(name: str, target_ms: float, answer: Counts) -> Question:
        times = None if answer.at is None else _TIMES
        return Versions(fleet=fleet, name=name, target_ms=target_ms, times=times, answer=answer)

    yield asked("app, now", 30, Counts(None, "app"))
    yield asked("app, now, a site (1 %)", 30, Counts(None, "app", _SITE))
    yield asked("app, now, a model (9 %)", 30, Counts(None, "app", _TENTH))
    yield asked("app, now, a model (20 %)", 30, Counts(None, "app", _FIFTH))
    yield asked("all components, now", 100, Counts(None))
    yield asked("app, a week ago", 100, Counts(LAST_WEEK, "app"))
    yield asked("app, 9 months ago", 100, Counts(NINE_MONTHS, "app"))
    yield asked("app, 22 months ago", 100, Counts(LONG_AGO, "app"))
    yield asked("app, 9 months ago, a model (9 %)", 100, Counts(NINE_MONTHS, "app", _TENTH))
    yield asked("app, 9 months ago, a model (20 %)", 100, Counts(NINE_MONTHS, "app", _FIFTH))
    yield asked("all components, a week ago", 300, Counts(LAST_WEEK))
    yield asked("all components, 9 months ago", 300, Counts(NINE_MONTHS))
    yield asked("all components, 22 months ago", 300, Counts(LONG_AGO))


def _devices(fleet: Fleet) -> Iterator[Question]:
    def asked(name: str, at: int | None, version: str, *, last_page: bool = False) -> Question:
        answer = Runners(at, "app", version)
        return Devices(fleet=fleet, name=name, target_ms=20, answer=answer, last_page=last_page)

    for name, at in (("now", None), ("9 months ago", NINE_MONTHS)):
        common, rare = common_version(fleet, at or END), rare_version(fleet, at or END)
        yield asked(f"devices of a common version, {name}", at, common)
        yield asked(f"devices of a common version, {name}, last page", at, common, last_page=True)
        yield asked(f"devices of a rare version, {name}", at, rare)
    yield asked("devices of a version that hardly runs any more", LAST_WEEK, common_version(fleet, NINE_MONTHS))


def _adoption(fleet: Fleet) -> Iterator[Question]:
    def asked(name: str, target_ms: float | None, answer: Spread, step: str) -> Question:
        return Adoption(fleet=fleet, name=name, target_ms=target_ms, times=_TIMES, answer=answer, step=step)

    weeks, hours = _points(53, WEEK), _points(169, HOUR)
    yield asked("adoption of app, a year by week", 1000, Spread("app", weeks), "week")
    yield asked("adoption of bootloader, a year by week", 1000, Spread("bootloader", weeks), "week")
    yield asked("adoption of app, a week by hour", None, Spread("app", hours), "hour")


def _points(number: int, every: int) -> list[int]:
    """Give so many moments, the last of which is the end of the history."""
    return [END - every * past for past in reversed(range(number))]


def _histories(fleet: Fleet) -> Iterator[Question]:
    def asked(name: str, device: Device, at: int) -> Question:
        return Past(fleet=fleet, name=name, target_ms=5, answer=History(device.id, at))

    yield asked("a device, 9 months ago", _first(fleet, flapping=False), NINE_MONTHS)
    yield asked("a flapping device, 9 months ago", _first(fleet, flapping=True), NINE_MONTHS)


def _silence(fleet: Fleet) -> Iterator[Question]:
    yield Silence(fleet=fleet, name="summary", target_ms=100, answer=Silent(), summary=True)
    yield Silence(
        fleet=fleet, name="summary, five rules", target_ms=100, answer=Silent(), summary=True, rules=five_rules(fleet)
    )
    yield Silence(fleet=fleet, name="silent devices", target_ms=20, answer=Silent())


def _compliance(fleet: Fleet) -> Iterator[Question]:
    def asked(name: str, target_ms: float, at: int | None, times: float | None = None) -> Question:
        answer = Compliant(at, rules)
        return Compliance(fleet=fleet, name=name, target_ms=target_ms, times=times, answer=answer, rules=rules)

    rules = five_rules(fleet)
    yield asked("five rules, now", 100, None)
    yield asked("five rules, 9 months ago", 300, NINE_MONTHS, _TIMES)


def five_rules(fleet: Fleet) -> list[Rule]:
    """A rule for each component, and two for some devices that shall run something else."""
    return [
        Rule("app", (rare_version(fleet, END),), _SITE),
        Rule("app", (common_version(fleet, END), common_version(fleet, NINE_MONTHS)), _FIFTH),
        *(Rule(component.name, (common_version(fleet, END, component.name),)) for component in COMPONENTS),
    ]


def common_version(fleet: Fleet, at: int, component: str = "app") -> str:
    """Name the version that most devices ran at a moment: the last one that had reached all by then."""
    return version_name(_last_release(fleet, component, ALL, at - ALL.ends).number)


def rare_version(fleet: Fleet, at: int) -> str:
    """Name a version of `app` that went to a tenth of the devices and no further, the last before a moment."""
    return version_name(_last_release(fleet, "app", TENTH, at - TENTH.ends).number)


def _last_release(fleet: Fleet, component: str, reached: Ring, before: int) -> Release:
    return next(
        release
        for release in reversed(fleet.releases[component])
        if release.reached == reached and release.at <= before and release.rolled_back_at is None
    )


def _first(fleet: Fleet, *, flapping: bool) -> Device:
    """Choose one of the first devices that is older than the history and reports to this day."""
    devices = [*islice(fleet.devices_of(fleet.big), _LOOKED_AT)]
    lives = ((device, device.life) for device in devices)
    fitting = (device for device, life in lives if life.flaps == flapping and _is_there_throughout(life))
    return next(fitting, devices[0])


def _is_there_throughout(life: Life) -> bool:
    return life.created_at < LONG_AGO and (life.heard_at or 0) > LAST_WEEK
