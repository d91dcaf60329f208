"""A real server on loopback over the test's own database, and plain HTTP to talk to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Callable

import attrs
import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import Server, serving
from tests.server.callers import Caller, new_user

#: Counts the periods, open and closed, of all devices.
RowsWritten = Callable[[], int]


@attrs.define
class Clock:
    """The server's clock, which the test sets."""

    moment: dt.datetime = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def advance(self, **duration: float) -> dt.datetime:
        self.moment += dt.timedelta(**duration)
        return self.moment


@attrs.frozen(kw_only=True)
class Demo:
    """What POST /v1/seed gave."""

    project_id: str
    device_id: str
    project_key: tuple[str, str] = attrs.field(repr=False)
    device_key: tuple[str, str] = attrs.field(repr=False)

    @property
    def path(self) -> str:
        return f"/v1/devices/{self.device_id}/firmware_version"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, password_cost=4)


@pytest.fixture
async def server(settings: Settings, database_url: str, clock: Clock) -> AsyncGenerator[Server]:
    async with serving(create_app(settings, database_url, clock=clock)) as server:
        yield server


@pytest.fixture
async def http(server: Server) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def seed(http: httpx.AsyncClient) -> Demo:
    made = (await http.post("/v1/seed")).raise_for_status().json()
    return Demo(
        project_id=made["project"]["id"],
        device_id=made["device"]["id"],
        project_key=(made["project_api_key"]["id"], made["project_api_key"]["secret"]),
        device_key=(made["device_api_key"]["id"], made["device_api_key"]["secret"]),
    )


@pytest.fixture
async def demo(http: httpx.AsyncClient) -> Demo:
    return await seed(http)


@pytest.fixture
async def other(http: httpx.AsyncClient) -> Demo:
    """A project that has nothing to do with `demo`."""
    return await seed(http)


@pytest.fixture
def rows_written(database_url: str, demo: Demo) -> RowsWritten:
    def count() -> int:
        with psycopg.connect(database_url, autocommit=True) as conn:
            row = conn.execute(
                "select (select count(*) from device_firmware) + (select count(*) from device_firmware_periods)"
            ).fetchone()
        assert row is not None
        return row[0]

    return count


@pytest.fixture
def admin(http: httpx.AsyncClient, demo: Demo) -> Caller:
    """The demo project's own key, which has the role admin."""
    return Caller(http, demo.project_key)


@pytest.fixture
async def ada(http: httpx.AsyncClient) -> Caller:
    """A user who is in no project."""
    return await new_user(http, "ada@example.com")


@pytest.fixture
async def bob(http: httpx.AsyncClient) -> Caller:
    """Another one."""
    return await new_user(http, "bob@example.com", name="Bob")
