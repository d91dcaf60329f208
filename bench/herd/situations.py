"""The situations: what happens to ten thousand devices, and how many requests a second may come of it."""

from __future__ import annotations

import random as randomness
from collections.abc import Callable
from dataclasses import dataclass

from bench.herd.script import FAIR, Contact, Forecast, Story, Weather

MINUTE, HOUR = 60.0, 3600.0
#: when it happens; until then the devices are switched on one after the other, and are heard
EVENT = 1.5 * HOUR
_FOR_EVER = float("inf")
#: the peaks that agent.md allows: after a power cut, and when a server is back
_POWER_BACK, _SERVER_BACK = 40.0, 30.0


@dataclass(frozen=True)
class Situation:
    """One row of the table."""

    name: str
    #: of the number of a device
    story: Callable[[int], Story]
    forecast: Forecast
    #: from when on the peak counts, and until when all is over
    since: float
    until: float
    #: requests a second, of ten thousand devices; None: for comparison
    budget: float | None = None


def situations() -> list[Situation]:
    """All of them, in the order of the table."""
    busy = Weather(Contact.BUSY, retry_after_seconds=60)
    fewer = _for(4 * HOUR, Weather(next_report_in_seconds=7200))
    return [
        Situation("an ordinary afternoon, with an update", _updated_some_time, _fair, EVENT, 4 * HOUR),
        Situation("power back everywhere at once", _power_cut, _fair, EVENT, 4 * HOUR, _POWER_BACK),
        _back_after("server away for 30 minutes", HOUR / 2, Weather(Contact.REFUSED), _updated_twice),
        _back_after("server away for an hour", HOUR, Weather(Contact.REFUSED), _updated_twice),
        Situation("half of the devices cut off for 2 hours", _updated_some_time, _split, EVENT, 5 * HOUR, _SERVER_BACK),
        _back_after("answers lost for an hour", HOUR, Weather(Contact.ANSWER_LOST), _updated_some_time),
        _back_after("503, Retry-After: 60, for 20 minutes", 20 * MINUTE, busy, _updated_some_time),
        Situation("503, Retry-After: what is left of an hour", _updated_some_time, _maintenance, EVENT, 5 * HOUR),
        Situation("the server asks for one every 2 hours", _updated_some_time, fewer, EVENT + 2.5 * HOUR, 5 * HOUR),
        Situation("all install at once, and reboot", _rolled_out, _fair, EVENT, 4 * HOUR, _POWER_BACK),
        Situation("all change a file in one second", _changed_at_once, _fair, EVENT, 4 * HOUR),
    ]  # fmt: skip


def _back_after(name: str, seconds: float, weather: Weather, story: Callable[[int], Story]) -> Situation:
    """Only what arrives when all is well again is judged."""
    end = EVENT + seconds
    return Situation(name, story, _for(seconds, weather), end, end + 2 * HOUR, _SERVER_BACK)


def _for(seconds: float, weather: Weather) -> Forecast:
    return lambda _number, now: weather if EVENT <= now < EVENT + seconds else FAIR


def _fair(_number: int, _now: float) -> Weather:
    return FAIR


def _split(number: int, now: float) -> Weather:
    return Weather(Contact.SILENT) if number % 2 and EVENT <= now < EVENT + 2 * HOUR else FAIR


def _maintenance(_number: int, now: float) -> Weather:
    end = EVENT + HOUR
    return Weather(Contact.BUSY, retry_after_seconds=end - now) if EVENT <= now < end else FAIR


def _switched_on(number: int) -> tuple[randomness.Random, float]:
    chance = randomness.Random(f"story {number}")  # noqa: S311  a simulation
    return chance, chance.uniform(0, HOUR)


def _updated_some_time(number: int) -> Story:
    """It gets another version some time between the event and an hour later."""
    chance, on = _switched_on(number)
    return Story([(0.0, "1.4.2"), (chance.uniform(EVENT, EVENT + HOUR), "1.5.0")], [(on, _FOR_EVER)])


def _updated_twice(number: int) -> Story:
    """It gets another version while nobody listens, and falls back."""
    chance, on = _switched_on(number)
    updated = chance.uniform(EVENT, EVENT + 10 * MINUTE)
    versions = [(0.0, "1.4.2"), (updated, "1.5.0"), (updated + chance.uniform(3, 19) * MINUTE, "1.4.2")]
    return Story(versions, [(on, _FOR_EVER)])


def _power_cut(number: int) -> Story:
    """It comes up with another version when the power is back after ten minutes; every third one stays what it was."""
    _, on = _switched_on(number)
    versions = [(0.0, "1.4.2"), (EVENT - 1, "1.5.0")]
    return Story(versions[: 1 + (number % 3 > 0)], [(on, EVENT - 10 * MINUTE), (EVENT, _FOR_EVER)])


def _rolled_out(number: int) -> Story:
    _, on = _switched_on(number)
    return Story([(0.0, "1.4.2"), (EVENT - 1, "1.5.0")], [(on, EVENT - 30), (EVENT, _FOR_EVER)])


def _changed_at_once(number: int) -> Story:
    _, on = _switched_on(number)
    return Story([(0.0, "1.4.2"), (EVENT, "1.5.0")], [(on, _FOR_EVER)])
