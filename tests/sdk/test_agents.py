"""What a member sees of a device's agent and of lost records, by the SDK and the command."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail import (
    AgentHealth,
    AgentStatement,
    AsyncClient,
    ClockReading,
    ComponentReading,
    DeviceDetails,
    FailingSource,
    HistoryGap,
    ObservationRecord,
)
from tests.sdk.shell import Shell
from tests.sdk.test_client import key, url
from tests.served import Server
from tests.server.conftest import Demo

HOUR = 3_600_000
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
RAUC = FailingSource(component="main", source="rauc", error="RAUC cannot be read", failing_since_ms=HOUR)


def reading(ms: int) -> ClockReading:
    return ClockReading(boot_id=uuid.UUID(int=1), boot_sequence=1, boot_time_ms=ms)


def record(ms: int, *, dropped_before: int = 0) -> ObservationRecord:
    components = [ComponentReading(version="1.4.2")]
    return ObservationRecord(first_observed=reading(ms), components=components, dropped_before=dropped_before)


async def say(server: Server, demo: Demo) -> None:
    """Be a device whose RAUC fails, and which had no room for three records."""
    async with AsyncClient(url(server), api_key=key(demo.device_key)) as client:
        await client.firmware.report_batch(
            demo.device_id,
            [record(HOUR), record(2 * HOUR, dropped_before=3)],
            sent=reading(3 * HOUR),
            agent=AgentStatement(version="0.1.0", sources=[RAUC]),
        )


async def test_a_member_sees_why_a_version_is_old(server: Server, demo: Demo) -> None:
    await say(server, demo)
    async with AsyncClient(url(server), api_key=key(demo.project_key)) as client:
        [failing] = [one async for one in client.devices.list(agent_health=AgentHealth.FAILING)]
        assert [one async for one in client.devices.list(agent_health="ok")] == []
        device: DeviceDetails = await client.devices.get(demo.device_id)

    assert device.agent is not None
    assert device.agent == failing.agent
    [source] = device.agent.sources
    assert (source.source, source.failing_since) == ("rauc", NOON - dt.timedelta(hours=2))


async def test_a_history_tells_its_gaps_once_its_pages_are_fetched(server: Server, demo: Demo) -> None:
    await say(server, demo)
    async with AsyncClient(url(server), api_key=key(demo.project_key)) as client:
        history = client.firmware.history(demo.device_id)
        assert history.gaps == []
        assert len([period async for period in history]) == 1

    began, ended = NOON - dt.timedelta(hours=2), NOON - dt.timedelta(hours=1)
    assert history.gaps == [HistoryGap(began_at=began, ended_at=ended, records=3)]


async def test_the_command_shows_agents_and_gaps(keyed: Shell, server: Server, demo: Demo) -> None:
    await say(server, demo)

    listed = await keyed("devices", "list", "--agent-health", "failing", "--agent-version", "0.1.0")
    shown = await keyed("devices", "show", demo.device_id)
    remark = await keyed.said("history", demo.device_id)

    for text in (listed, shown):
        assert "0.1.0 failing: main: RAUC cannot be read (rauc, since 2026-06-01 10:00:00Z)" in text
    assert await keyed("devices", "list", "--agent-health", "ok", "-q") == ""
    assert "3 records missing from 2026-06-01 10:00:00Z to 2026-06-01 11:00:00Z" in remark
    assert "damaged" in remark
