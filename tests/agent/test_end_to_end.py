"""Days in the life of a device: the real agent, the real server, and a network that comes and goes.

All live in one virtual time, so that what the server tells of the device can be compared with what ran.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import attrs
import httpx
import pytest

from firmtrail_agent.config.layers import Layers
from firmtrail_agent.doctor.checks import Case, examine
from firmtrail_agent.server.delivery import MAX_BATCH_RECORDS
from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.agent.support.device import Device
from tests.agent.support.virtual_time import START as NOW
from tests.agent.support.virtual_time import VirtualTime, running
from tests.served import Server, serving
from tests.server.conftest import Demo, seed

HOUR = 3600
YEAR = 365 * 24 * HOUR
START = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)


class Network:
    """What lies between the device and the server: it forwards, or breaks every connection."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.is_up = True
        #: whether the server gets requests and the device no answers
        self.loses_answers = False
        self.url = ""
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"

    def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_up:
            writer.transport.abort()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        with suppress(ConnectionError):
            await asyncio.gather(
                self._pass_on(reader, upstream_writer), self._pass_on(upstream_reader, writer, is_answer=True)
            )
        for one in (writer, upstream_writer):
            one.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        while data := await reader.read(65536):
            if not self.is_up or (is_answer and self.loses_answers):
                writer.transport.abort()
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
async def server(database_url: str, time: VirtualTime) -> AsyncGenerator[Server]:
    def clock() -> dt.datetime:
        return START + dt.timedelta(seconds=time.now)

    async with serving(create_app(Settings(seed_enabled=True), database_url, clock=clock)) as server:
        yield server


@pytest.fixture
async def http(server: Server) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


@pytest.fixture
async def demo(http: httpx.AsyncClient) -> Demo:
    return await seed(http)


@pytest.fixture
async def network(server: Server) -> AsyncGenerator[Network]:
    network = Network("127.0.0.1", server.port)
    await network.open()
    yield network
    network.close()


@pytest.fixture
def device(tmp_path_factory: pytest.TempPathFactory, network: Network, demo: Demo) -> Device:
    device = Device(tmp_path_factory.mktemp("device"))
    device.configure(network.url, device_id=demo.device_id)
    device.write_key(":".join(demo.device_key))
    return device


async def history(http: httpx.AsyncClient, demo: Demo) -> list[tuple[str, float, float]]:
    """What the server tells: each version with its first and last moment, in hours of the device's life."""
    periods = (await http.get(demo.path, auth=demo.project_key)).raise_for_status().json()["items"]
    return [(p["version"], hours(p["first_reported_at"]), hours(p["last_reported_at"])) for p in periods]


def hours(moment: str) -> float:
    return (dt.datetime.fromisoformat(moment) - START).total_seconds() / HOUR


def versions(told: list[tuple[str, float, float]]) -> list[str]:
    return [version for version, _, _ in told]


async def test_what_ran_while_the_network_was_away_is_told_with_its_moments(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    time.wall_offset = -1e9  # it has no idea of the time
    async with running(device, time):
        await time.passes(5 * HOUR)
        network.is_up = False
        await time.passes(20 * HOUR)
        device.write("/etc/version", "1.5.0")
        changed_at = time.now / HOUR
        await time.passes(20 * HOUR)
        network.is_up = True
        await time.passes(2 * HOUR)

    (first, _, first_until), (second, second_since, second_until) = await history(http, demo)
    assert (first, second) == ("1.4.2", "1.5.0")
    assert changed_at - 1.1 <= first_until <= changed_at
    assert changed_at <= second_since <= changed_at + 0.05
    assert second_until >= 46


async def test_a_boot_whose_clock_became_right_is_told_by_it_though_the_device_restarted_before_it_could_report(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    network.is_up = False
    changed_at = time.now / HOUR
    for _ in range(2):
        async with running(device, time):
            await time.passes(60)  # as always, the first reading is before the clock is set
            marker = device.write("/run/systemd/timesync/synchronized", "")
            await time.passes(30 * HOUR)
        marker.unlink()
        time.reboot()
    network.is_up = True
    async with running(device, time):
        await time.passes(2 * HOUR)

    ((version, since, until),) = await history(http, demo)
    assert version == "1.4.2"
    assert changed_at - SECOND <= since <= changed_at + NOTICED
    assert until >= 60


async def test_more_versions_than_a_request_holds_are_told_in_their_order_without_a_clock(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    time.wall_offset = -1e9
    network.is_up = False
    ran = [f"1.{number}" for number in range(MAX_BATCH_RECORDS + 8)]
    async with running(device, time):
        for version in ran:
            device.write("/etc/version", version)
            await time.passes(2 * HOUR)
    time.reboot()
    rebooted_at = time.now / HOUR
    device.write("/etc/version", "2.0")
    async with running(device, time):
        await time.passes(2 * HOUR)
        network.is_up = True
        await time.passes(2 * HOUR)

    told = await history(http, demo)

    assert versions(told) == [*ran, "2.0"]
    assert all(until <= rebooted_at + 0.05 for _, _, until in told[:-1])


async def test_answers_that_are_lost_leave_no_trace_in_the_history(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    async with running(device, time):
        await time.passes(2 * HOUR)
        network.loses_answers = True
        for version in ("1.5.0", "1.6.0"):
            device.write("/etc/version", version)
            await time.passes(3 * HOUR)
        network.loses_answers = False
        await time.passes(2 * HOUR)

    assert versions(await history(http, demo)) == ["1.4.2", "1.5.0", "1.6.0"]


@attrs.frozen
class Boot:
    """What the device runs until it is switched off, and by how many years its clock is wrong meanwhile."""

    years_off: float
    #: version, hours, what becomes of requests
    runs: Sequence[tuple[str, float, str]]

    @property
    def is_known(self) -> bool:
        """Say whether its moments can be worked out: its clock is right, or the server heard of it while it lasted."""
        return not self.years_off or any(requests != "lost" for _, _, requests in self.runs)


@attrs.define
class Ran:
    """A version that ran, in hours, and how late the server may think that it began, and that it ran last."""

    version: str
    since: float
    begins_by: float = 0.0
    ends_by: float = 0.0


FACTORY, FUTURE = -50, 20
SECOND, INSTANT, NOTICED = 1 / HOUR, 20 / HOUR, 120 / HOUR
DAY = [
    Boot(FACTORY, [("1.4.2", 3, "answered")]),
    Boot(FUTURE, [("2.0.0", 1, "answered"), ("2.0.0", 1, "lost")]),
    Boot(FACTORY, [("1.4.2", 1, "lost")]),
    Boot(0, [("2.0.1", 1, "lost"), ("2.0.2", 0.5, "lost")]),
    Boot(FUTURE, [("1.4.2", 0.5, "lost")]),
    Boot(FACTORY, [("1.4.2", 1, "lost"), ("1.4.2", 1, "answered")]),
    Boot(0, [("1.4.3", 2, "answered"), ("1.4.4", 1, "unanswered"), ("1.4.5", 1, "answered")]),
    *[Boot(FACTORY, [("3.0.0", INSTANT, "answered")]), Boot(FACTORY, [("1.4.5", INSTANT, "lost")])] * 2,
    Boot(FUTURE, [("3.0.1", 2, "unanswered")]),
    Boot(FACTORY, [("1.4.5", 1, "lost"), ("3.0.2", 2, "lost"), ("3.0.2", 4, "answered")]),
]


async def test_a_day_with_updates_and_falls_is_told_version_by_version(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    ran: list[Ran] = []
    for boot in DAY:
        time.reboot()
        time.wall_offset = NOW + boot.years_off * YEAR
        marker = device.write("/run/systemd/timesync/synchronized", "")
        if boot.years_off:
            marker.unlink()
        if boot.is_known:
            know_by(ran, time.now / HOUR)
        device.write("/etc/version", boot.runs[0][0])
        async with running(device, time):
            for version, how_long, requests in boot.runs:
                network.is_up, network.loses_answers = requests != "lost", requests == "unanswered"
                if not ran or ran[-1].version != version:
                    if boot.is_known:
                        know_by(ran, time.now / HOUR)
                    device.write("/etc/version", version)
                    ran.append(Ran(version, time.now / HOUR, boot.is_known * (time.now / HOUR + NOTICED)))
                ran[-1].ends_by = 0
                await time.passes(how_long * HOUR)
        if boot.is_known:
            know_by(ran, time.now / HOUR)

    told = await history(http, demo)
    assert versions(told) == [one.version for one in ran]
    for one, (_, first, last) in zip(ran, told, strict=True):
        assert one.since - SECOND <= first <= one.begins_by + SECOND, one
        assert first <= last <= one.ends_by + SECOND, one


def know_by(ran: Sequence[Ran], now: float) -> None:
    """What ran until now has begun, and what does not run any more has ended, as anybody knows from now on."""
    for one in ran:
        one.begins_by = one.begins_by or now
        one.ends_by = one.ends_by or now


async def test_a_device_that_is_switched_off_in_the_middle_of_everything_loses_no_version(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    ran = ["1.4.2"]
    async with running(device, time):
        await time.passes(HOUR)
    for number in range(6):
        network.is_up, network.loses_answers = number % 2 == 0, number % 3 == 0
        time.reboot(after=HOUR / 4)
        ran.append(f"2.{number}")
        device.write("/etc/version", ran[-1])
        async with running(device, time):
            await time.passes(60 + 700 * number)
    network.is_up, network.loses_answers = True, False

    async with running(device, time):
        await time.passes(2 * HOUR)

    assert versions(await history(http, demo)) == ran


async def test_files_of_its_state_that_rot_cost_no_version(
    device: Device, time: VirtualTime, network: Network, http: httpx.AsyncClient, demo: Demo
) -> None:
    for _ in range(3):
        async with running(device, time):
            await time.passes(HOUR)
        time.reboot()
    network.is_up = False
    device.write("/etc/version", "1.5.0")
    async with running(device, time):
        await time.passes(HOUR)
    for name in ("boot.json", "reported.json"):
        device.write(f"/var/lib/firmtrail-agent/{name}", "rotten")
    network.is_up = True
    time.reboot()
    device.write("/etc/version", "1.6.0")

    async with running(device, time):
        await time.passes(HOUR)

    assert versions(await history(http, demo)) == ["1.4.2", "1.5.0", "1.6.0"]


async def test_the_doctor_finds_a_key_that_has_just_died_also_where_it_is_sent_itself(
    device: Device, time: VirtualTime, http: httpx.AsyncClient, demo: Demo
) -> None:
    async def found() -> str:
        case = Case(layers=Layers(environment={}, root=device.root), host=time.host(device))
        return next(one.detail for one in await examine(case) if one.check == "server")

    before = await found()  # the server has checked the secret now, and remembers that it was right
    path = f"/v1/devices/{demo.device_id}/api_keys/{demo.device_key[0]}"
    (await http.delete(path, auth=demo.project_key)).raise_for_status()

    assert (before, (await found()).partition(":")[0]) == ("it takes reports of this device", "credentials refused")


async def test_a_member_sees_since_when_a_source_fails(
    device: Device, time: VirtualTime, http: httpx.AsyncClient, demo: Demo
) -> None:
    time.wall_offset = -1e9  # it has no idea of the time
    async with running(device, time):
        await time.passes(5 * HOUR)
        (device.root / "etc/version").unlink()
        failed_at = time.now / HOUR
        await time.passes(20 * HOUR)

    details = await http.get(f"/v1/devices/{demo.device_id}", auth=demo.project_key)
    agent = details.raise_for_status().json()["agent"]
    [source] = agent["sources"]
    assert (agent["health"], agent["interval_seconds"], source["source"]) == ("failing", HOUR, "file")
    assert failed_at <= hours(source["failing_since"]) <= failed_at + NOTICED
