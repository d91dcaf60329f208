"""One device: the agent's own schedule, clocks, spool and delivery, driven through the device's story."""

from __future__ import annotations

import random as randomness
import uuid
from collections.abc import Sequence
from pathlib import Path

from bench.herd.script import Contact, Forecast, Story, Weather
from bench.herd.server import Server
from bench.herd.timeline import Timeline, Until
from firmtrail import (
    BatchReceipt,
    ClockReading,
    ConnectionLostError,
    DeadlineExceededError,
    NotSentError,
    ObservationRecord,
    ProblemCode,
    ServerError,
)
from firmtrail_agent.daemon.round import reschedule
from firmtrail_agent.daemon.schedule import Schedule, Trigger
from firmtrail_agent.report.record import record_of
from firmtrail_agent.server.delivery import deliver
from firmtrail_agent.sources import Reading
from firmtrail_agent.state.observations import Observations
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.system.boot import Boot
from firmtrail_agent.system.clock import Clocks
from firmtrail_contract import AgentStatement, ReportBatch

INTERVAL_SECONDS, FIRST_WITHIN_SECONDS = 3600.0, 300.0
#: the SDK's time for a call
CALL_SECONDS = 30.0
_ANSWER_SECONDS = 0.2
#: less may be nothing, for floats of this size
_LEAST_WAIT_SECONDS = 0.001


class SimulatedDevice:
    """What the agent keeps over its boots, and the line to the server, which stands for the SDK's client."""

    def __init__(self, number: int, story: Story, timeline: Timeline, server: Server, forecast: Forecast) -> None:
        self.device_id = uuid.UUID(int=number)
        self.story = story
        self.observations = 0
        self._number = number
        self._time = timeline
        self._server = server
        self._forecast = forecast
        self._random = randomness.Random(number)  # noqa: S311  a simulation
        self._observed = Observations(Spool(None, self.device_id, boot_time=self._boot_time), None)
        self._booted = 0.0

    async def live(self) -> None:
        """Go through all boots of the story."""
        for sequence, (on, off) in enumerate(self.story.boots, start=1):
            await Until(on)
            self._start(sequence)
            self._observe()
            while self._time.now < off:
                await self._live_on(off)

    async def report_batch(  # noqa: PLR0913  what a batch can say
        self,
        device_id: uuid.UUID,
        records: Sequence[ObservationRecord],
        *,
        sent: ClockReading,
        waiting: Sequence[ClockReading],
        interval_seconds: int | None = None,
        agent: AgentStatement | None = None,
    ) -> BatchReceipt:
        """Meet the server as the weather is."""
        weather = self._forecast(self._number, self._time.now)
        await self._arrive(weather)
        self._server.count(self._time.now)
        _refuse_if_busy(weather)
        asked = weather.next_report_in_seconds
        said = [*records]
        batch = ReportBatch(sent=sent, records=said, waiting=[*waiting], interval_seconds=interval_seconds, agent=agent)
        answer = self._server.store(device_id, batch, self._time.now, next_report_in_seconds=asked)
        await Until(self._time.now + _ANSWER_SECONDS)
        if weather.contact is Contact.ANSWER_LOST:
            raise ConnectionLostError("the answer got lost", maybe_applied=True)
        return answer

    def _start(self, sequence: int) -> None:
        self._booted = self._time.now
        boot = Boot(boot_id=uuid.UUID(int=self._random.getrandbits(128)), sequence=sequence, is_new=True)
        self._clocks = Clocks(
            boot,
            boot_time=self._boot_time,
            wall_time=lambda: 0.0,  # a device without a clock battery
            monotonic=self._boot_time,
            root=Path("/nonexistent"),
        )
        self._schedule = Schedule(
            interval_seconds=INTERVAL_SECONDS,
            first_within_seconds=FIRST_WITHIN_SECONDS,
            is_new_boot=True,
            clock=self._boot_time,
            random=self._random,
        )

    async def _live_on(self, off: float) -> None:
        change = self.story.next_change(self._time.now)
        due = self._time.now + max(self._schedule.seconds_left(), _LEAST_WAIT_SECONDS)
        await Until(min(due, change, off))
        if self._time.now >= off:
            return
        if self._time.now >= change:
            self._schedule.request(Trigger.CHANGE)
        if not self._schedule.seconds_left():
            await self._round()

    async def _round(self) -> None:
        self._schedule.started()
        self._observe()
        if self._schedule.may_send():
            delivery = await deliver(self.report_batch, self.device_id, self._observed.spool, self._clocks)
            if delivery.record:
                self._observed.reported(delivery.record)
            reschedule(self._schedule, delivery)

    def _observe(self) -> None:
        version = self.story.version_at(self._time.now)
        record = record_of([Reading(component="main", source="simulated", version=version)], self._clocks)
        assert record
        self._observed.add(record)
        self.observations += 1

    async def _arrive(self, weather: Weather) -> None:
        if weather.contact is Contact.REFUSED:
            raise NotSentError("connection refused")
        if weather.contact is Contact.SILENT:
            await Until(self._time.now + CALL_SECONDS)
            raise DeadlineExceededError("no answer in time")

    def _boot_time(self) -> float:
        return self._time.now - self._booted


def _refuse_if_busy(weather: Weather) -> None:
    if weather.contact is Contact.BUSY:
        wait = weather.retry_after_seconds
        raise ServerError(status=503, title="busy", code=ProblemCode.UNAVAILABLE, retry_after=wait)
