"""When to observe and when to send. No I/O and no clock of its own: a test lives through years in a second.

All waits are random, so that devices which failed together, or whose power came back together, do not come together.
"""

from __future__ import annotations

import random as randomness
from collections.abc import Callable
from enum import StrEnum

#: no wait is longer: asyncio's clock stands still while the device is suspended, the schedule's does not
LONGEST_SLEEP_SECONDS = 30.0
#: after something happened on the device
SPLAY_SECONDS = 30.0
#: between two rounds that something on the device sets off, however often it happens
LEAST_PAUSE_SECONDS = 60.0
SHORTEST_RETRY_SECONDS = 1.0
RETRY_BASE_SECONDS = 30.0
RETRY_CAP_SECONDS = 15 * 60.0
#: after a refusal of the credential
REFUSED_BASE_SECONDS = 5 * 60.0
#: after a refusal that only people can mend
REFUSED_CAP_SECONDS = 6 * 3600.0
#: what a server may ask for; a mistaken header must not silence a device for a year
LONGEST_RETRY_AFTER_SECONDS = 6 * 3600.0
SHORTEST_INTERVAL_SECONDS = 10.0
#: what one answer may put off the next report by, unless the configuration's interval is longer
LONGEST_ASKED_SECONDS = 24 * 3600.0
#: 2 to this power times any base is above its cap; a year of failures must not overflow
_LAST_DOUBLING = 16


class Trigger(StrEnum):
    """Why there is a round."""

    #: the device started
    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    #: a file that a version is read from changed
    CHANGE = "change"
    #: the wall clock was set, or the device was suspended
    CLOCK = "clock"
    #: the API key or the configuration is another
    SETTINGS = "settings"
    #: a person asked for it
    MANUAL = "manual"
    #: the server asked for it
    RESYNC = "resync"
    #: the last one failed
    RETRY = "retry"


#: after one of these the network or the server may be back, so a try that a failure has put off comes early
_WAKING = {Trigger.CHANGE, Trigger.CLOCK}
#: after one of these the server is asked whatever it has said
_OPENING = {Trigger.MANUAL, Trigger.SETTINGS}


class Schedule:
    """The deadlines of the next rounds, each with its reason; several that are due are one round."""

    def __init__(
        self,
        *,
        interval_seconds: float,
        first_within_seconds: float,
        is_new_boot: bool,
        clock: Callable[[], float],
        random: randomness.Random,
    ) -> None:
        self._interval = self._asked = interval_seconds
        self._clock = clock
        self._random = random
        self._failures = 0
        self._last_round: float | None = None
        self._last_triggers: frozenset[Trigger] = frozenset()
        #: nothing is sent before
        self._gate = clock()
        #: nothing that happens on the device opens the gate before: the server asked to wait, or refused
        self._locked_until = clock()
        self._due = {Trigger.HEARTBEAT: clock() + random.uniform(0, interval_seconds)}
        if is_new_boot:
            self._due[Trigger.BOOT] = clock() + random.uniform(0, min(first_within_seconds, interval_seconds))

    @property
    def interval_seconds(self) -> int:
        """How often it reports: as the server asked last, or as the configuration says."""
        return round(self._asked)

    def next_due(self) -> float:
        """When the next round is due, by the clock."""
        return min(self._due.values())

    def next_send(self) -> float:
        """When the server is asked next, by the clock: rounds before that observe only."""
        begins = {trigger: max(due, self._clock()) for trigger, due in self._due.items()}
        return min(
            (begin for trigger, begin in begins.items() if begin >= self._opens_for(trigger)),
            default=max(self._gate, self.next_due()),
        )

    def seconds_left(self) -> float:
        """How long until the next round is due; 0 when it is."""
        return max(0.0, self.next_due() - self._clock())

    def next_sleep(self) -> float:
        """How long to sleep before looking again."""
        return min(self.seconds_left(), LONGEST_SLEEP_SECONDS)

    def may_send(self) -> bool:
        """Say whether a round that is due may ask the server, or should observe only."""
        return self._clock() >= self._gate

    def started(self) -> frozenset[Trigger]:
        """Begin a round for all that is due. The next deadline is set now: no error in the round can end reporting."""
        now = self._clock()
        self._last_triggers = frozenset(trigger for trigger, due in self._due.items() if due <= now)
        self._last_round = now
        is_waking = self._last_triggers & _WAKING and now >= self._locked_until
        if is_waking or self._last_triggers & _OPENING:  # these may have come while the server was refusing
            self._gate = min(self._gate, now)
        self._due = {trigger: due for trigger, due in self._due.items() if due > now}
        self._due[Trigger.HEARTBEAT] = self._after_an_interval(self._interval)
        return self._last_triggers

    def succeeded(self, *, next_report_in_seconds: float | None = None, resync: bool = False) -> None:
        """Go on as the configuration says, or as the server asks."""
        self._failures = 0
        self._gate = self._clock()
        self._due.pop(Trigger.RETRY, None)
        asked = self._interval if next_report_in_seconds is None else next_report_in_seconds
        longest = max(LONGEST_ASKED_SECONDS, self._interval)
        self._asked = min(max(asked, SHORTEST_INTERVAL_SECONDS), longest)
        self._due[Trigger.HEARTBEAT] = self._after_an_interval(self._asked)
        if resync and Trigger.RESYNC not in self._last_triggers:  # a server that always asks is answered once
            self.request(Trigger.RESYNC)

    def failed(self, *, retry_after_seconds: float | None = None) -> None:
        """Come back soon. What the server asks for is the least: without jitter above it, it would get a herd."""
        wait, asked = self._jitter(SHORTEST_RETRY_SECONDS, RETRY_BASE_SECONDS, RETRY_CAP_SECONDS), 0.0
        if retry_after_seconds is not None:
            asked = min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS) * self._random.uniform(1.0, 1.1)
        self._close_gate(asked + wait, locked=asked)

    def refused(self) -> None:
        """Come back late, and later every time: the server does not take the credential."""
        wait = self._jitter(REFUSED_BASE_SECONDS, 2 * REFUSED_BASE_SECONDS, REFUSED_CAP_SECONDS)
        self._close_gate(wait, locked=wait)

    def misdirected(self) -> None:
        """Come back in six hours: until a person has changed something it will be refused again."""
        wait = REFUSED_CAP_SECONDS * self._random.uniform(0.9, 1.0)
        self._close_gate(wait, locked=wait)

    def request(self, trigger: Trigger) -> None:
        """Have a round early: at once for a person, else after a splay."""
        now = self._clock()
        if trigger in _OPENING:
            self._gate = now
        if trigger is Trigger.MANUAL:
            self._due[trigger] = now
            return
        due = now + self._random.uniform(0, SPLAY_SECONDS)
        if self._last_round is not None:
            due = max(due, self._last_round + LEAST_PAUSE_SECONDS)
        self._due[trigger] = min(due, self._due.get(trigger, due))

    def configure(self, *, interval_seconds: float) -> None:
        """Take another interval; no report that is due earlier is put off."""
        self._interval = self._asked = interval_seconds
        self._due[Trigger.HEARTBEAT] = min(
            self._due[Trigger.HEARTBEAT], self._clock() + self._random.uniform(0, interval_seconds)
        )

    def _after_an_interval(self, seconds: float) -> float:
        return self._clock() + seconds * self._random.uniform(0.9, 1.1)

    def _opens_for(self, trigger: Trigger) -> float:
        if trigger in _OPENING:
            return self._clock()
        return min(self._gate, self._locked_until) if trigger in _WAKING else self._gate

    def _close_gate(self, seconds: float, *, locked: float) -> None:
        self._gate = self._due[Trigger.RETRY] = self._clock() + seconds
        self._locked_until = self._clock() + locked

    def _jitter(self, least: float, base: float, cap: float) -> float:
        most = min(cap, base * 2 ** min(self._failures, _LAST_DOUBLING))
        self._failures += 1
        return self._random.uniform(least, most)
