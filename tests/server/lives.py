"""Simulated lives of devices, of which it is known what they ran: reboots, bad clocks, late networks, restored states.

`.venv/bin/python -m tests.server.lives --lives 6000` counts lives in which the rules of the server are wrong in the
end, or a batch that is sent again changes the history. docs/decisions/0006-boots.md has its figures.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple, Protocol

import attrs

from firmtrail_contract import ClockReading, ClockState, ObservationRecord, ReportBatch
from firmtrail_contract.version_periods import MAX_CLOCK_LEAD, Period, Sighting, place_together
from firmtrail_server.history.batches import records
from firmtrail_server.history.boot_clocks import are_known, find_boots
from firmtrail_server.history.boots import Boot
from tests.server.batching import NOW, record

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
_MOST_RECORDS = 32


#: version, first and last moment
History = list[tuple[str, dt.datetime, dt.datetime]]


class Server(Protocol):
    """What a device sends to."""

    def receive(self, batch: ReportBatch, at: dt.datetime) -> None:
        """Take a batch, which arrives at a moment."""
        ...

    def history(self) -> History:
        """Say what the device ran."""
        ...


class Rules:
    """The rules of the server, with lists in the place of the database."""

    def __init__(self) -> None:
        self._boots: dict[uuid.UUID, Boot] = {}
        self._periods: list[Period] = []

    def receive(self, batch: ReportBatch, at: dt.datetime) -> None:
        """Take a batch, which arrives at a moment."""
        if not are_known(batch, at, self._boots):
            until = self._periods[-1].last_reported_at if self._periods else None
            self._boots |= {boot.boot_id: boot for boot in find_boots(batch, at, self._boots, until)}
        seen = [
            Sighting(version, end.at, at)
            for one in records(batch, self._boots)
            for end in (one.first, one.last)
            for _, version in one.versions
        ]
        place_together(self._periods, seen)

    def history(self) -> History:
        """Say what the device ran."""
        return [(one.version, one.first_reported_at, one.last_reported_at) for one in self._periods]


class State(NamedTuple):
    """What lies in the agent's state directory."""

    sequence: int
    spool: tuple[ObservationRecord, ...]


class Device:
    """A device in a world where it is always known what time it is. Milliseconds."""

    def __init__(self, server: Server, draw: random.Random) -> None:
        self.server, self.draw = server, draw
        self.now = self.booted = 0
        self.version = 0
        self.state = State(0, ())
        self.backups: list[State] = []
        self.sent: list[ReportBatch] = []
        self.held_up: list[ReportBatch] = []
        self.truth: list[tuple[int, str]] = []
        self.reboot()

    def start(self) -> None:
        """Start the agent: each time with a number and an id of its own, as in a boot whose id it cannot read."""
        self.boot_id = uuid.UUID(int=self.draw.getrandbits(64))
        self.state = self.state._replace(sequence=self.state.sequence + 1)

    def reboot(self) -> None:
        """Start anew: the clock may be synced at once, later or never."""
        self.booted = self.now
        self.synced_from = self.draw.choice([0, self.draw.randrange(2 * HOUR), None, None])
        self.skew = self.draw.randrange(-2 * SECOND, 2 * SECOND)
        self.start()
        self.now += self.draw.randrange(5 * SECOND, MINUTE)
        self.observe()

    def update(self) -> None:
        """Install another version, nearly always a new one, and start it."""
        self.version = max(self.version + self.draw.choice([1, 1, 1, -1]), 0)
        self.reboot()

    def back_up(self) -> None:
        self.backups.append(self.state)

    def restore(self) -> None:
        """Start with a state directory of before, or with none."""
        self.state = self.draw.choice([State(0, ()), *self.backups])
        self.reboot()

    def clocks(self) -> ClockReading:
        up = self.now - self.booted
        is_synced = self.synced_from is not None and up >= self.synced_from
        wall = moment(self.now + self.skew) if is_synced else dt.datetime(2015, 1, 1, tzinfo=dt.UTC) + ms(up)
        state = ClockState.SYNCED if is_synced else ClockState.UNSYNCED
        return ClockReading(
            boot_id=self.boot_id,
            boot_sequence=self.state.sequence,
            boot_time_ms=up,
            wall_time=wall,
            clock_state=state,
        )

    def observe(self) -> None:
        version, spool = str(self.version), [*self.state.spool]
        self.truth.append((self.now, version))
        if spool and spool[-1].components[0].version == version:
            spool[-1] = attrs.evolve(spool[-1], last_observed=self.clocks())
        else:
            spool.append(record(self.clocks(), version=version))
        self.state = self.state._replace(spool=tuple(spool))

    def batch(self) -> ReportBatch:
        spool = self.state.spool
        self.sent.append(
            ReportBatch(
                sent=self.clocks(),
                records=[*spool[:_MOST_RECORDS]],
                waiting=ends_of_boots(spool[_MOST_RECORDS:]),
            )
        )
        return self.sent[-1]

    def deliver(self, batch: ReportBatch, way: int) -> None:
        self.now += way
        self.server.receive(batch, moment(self.now))

    def send(self) -> None:
        self.deliver(self.batch(), self.draw.randrange(3 * SECOND))
        self.state = self.state._replace(spool=self.state.spool[_MOST_RECORDS:])

    def send_unanswered(self) -> None:
        self.deliver(self.batch(), self.draw.randrange(30 * SECOND))

    def send_late(self) -> None:
        self.held_up.append(self.batch())

    def arrive(self) -> None:
        """Let the network deliver something that it held up."""
        if self.held_up:
            self.deliver(self.held_up.pop(self.draw.randrange(len(self.held_up))), 0)

    def report(self) -> None:
        self.observe()
        while self.state.spool:
            self.send()


#: what may happen, and how often beside the others
_ALWAYS = {"report": 6, "observe": 4, "reboot": 2, "update": 3, "send_unanswered": 1}
_LATE = {"send_late": 3, "arrive": 2}
_RESTORED = {"back_up": 2, "restore": 1}
KINDS = {
    "online": _ALWAYS,
    "late": _ALWAYS | _LATE,
    "restored": _ALWAYS | _RESTORED,
    "restored and late": _ALWAYS | _LATE | _RESTORED,
    "all": _ALWAYS | _LATE | _RESTORED | {"start": 1},
}


class Wrong(StrEnum):
    """What a server may do wrong in a life."""

    #: though the boot that runs has reported since the last late batch
    OLD_VERSION = "an old version is the current one in the end"
    FUTURE = "the history goes on after the present"
    RETRY = "a retry changes the history"
    #: what cannot be known, see the decision
    OLD_UNTIL_REPORT = "an old version is the current one until the next report"


def lived(kind: str, seed: int, server: Server) -> Device:
    """Live a life. In the end the boot that runs has reported, and something may still be held up."""
    draw = random.Random(seed)
    device = Device(server, draw)
    names, weights = zip(*KINDS[kind].items(), strict=True)
    for name in draw.choices(names, weights, k=draw.randrange(3, 25)):
        device.now += int(draw.choice([MINUTE, HOUR, DAY]) * draw.uniform(0.1, 5))
        getattr(device, name)()
    device.report()
    return device


def judged(device: Device) -> set[Wrong]:
    """Deliver what is held up, let the device report once more, send batches again, and say what goes wrong."""
    wrong = set[Wrong]()
    while device.held_up:
        device.now += device.draw.randrange(HOUR)
        device.arrive()
    if not _is_current(device):
        wrong.add(Wrong.OLD_UNTIL_REPORT)
    device.now += 10 * MINUTE
    device.report()
    if not _is_current(device):
        wrong.add(Wrong.OLD_VERSION)
    history = device.server.history()
    if max(last for _, _, last in history) > moment(device.now) + MAX_CLOCK_LEAD:
        wrong.add(Wrong.FUTURE)
    device.now += device.draw.randrange(2 * DAY)
    for batch in device.draw.sample(device.sent, min(6, len(device.sent))):
        device.deliver(batch, MINUTE)
    if device.server.history() != history:
        wrong.add(Wrong.RETRY)
    return wrong


def _is_current(device: Device) -> bool:
    return device.server.history()[-1][0] == str(device.version)


def moment(at: int) -> dt.datetime:
    return NOW + ms(at)


def ms(count: int) -> dt.timedelta:
    return dt.timedelta(milliseconds=count)


def ends_of_boots(waiting: Sequence[ObservationRecord]) -> list[ClockReading]:
    readings = [reading for one in waiting for reading in (one.first_observed, one.last_observed or one.first_observed)]
    boots = [[*of_boot] for _, of_boot in groupby(readings, key=lambda reading: reading.boot_id)]
    return [reading for of_boot in boots for reading in (of_boot[0], of_boot[-1])][:32]


def main() -> None:
    """Count what goes wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--lives", type=int, default=1_000, help="of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first of them (%(default)s)")
    options = parser.parse_args()
    for kind in KINDS:
        seeds = range(options.seed, options.seed + options.lives)
        counts = Counter(wrong for seed in seeds for wrong in judged(lived(kind, seed, Rules())))
        sys.stdout.write(f"{kind}, {options.lives} lives\n" + "".join(f"{counts[one]:6} {one}\n" for one in Wrong))


if __name__ == "__main__":
    main()
