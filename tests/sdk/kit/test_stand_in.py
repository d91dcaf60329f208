"""What the stand-in alone can do: fail on demand, remember requests, and say what it does not answer."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from firmtrail import (
    AgentStatement,
    ApiError,
    AsyncClient,
    AuthenticationError,
    Client,
    ClockReading,
    ComponentReading,
    ConflictError,
    ConnectionLostError,
    FirmtrailError,
    InvalidRequestError,
    NotSentError,
    OAuthError,
    ObservationRecord,
    RateLimitedError,
    ServerError,
)
from firmtrail.testing import NotAnswered, Refused, StandIn


@pytest.fixture
def stand_in() -> Generator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(stand_in: StandIn) -> Generator[Client]:
    with Client(stand_in.url, api_key=stand_in.api_key) as client:
        yield client


@pytest.mark.parametrize(
    ("failure", "error", "code"),
    [
        ({"status": 500}, ServerError, "internal"),
        ({"times": 3}, ServerError, "unavailable"),
        ({"code": "conflict", "status": 409}, ConflictError, "conflict"),
        ({"status": 429, "retry_after": 60}, RateLimitedError, "too_many_requests"),
        ({"status": 401}, AuthenticationError, "unauthenticated"),
        ({"status": 422}, InvalidRequestError, "invalid_request"),
        ({"status": 502, "times": 3}, ServerError, None),
        ({"status": 418}, ApiError, None),
    ],
)
def test_a_status_is_failed_with_on_demand(
    stand_in: StandIn, client: Client, failure: dict[str, Any], error: type[ApiError], code: str | None
) -> None:
    stand_in.fail(**failure)

    with pytest.raises(error) as failed:
        client.devices.list().first()

    assert failed.value.code == code
    assert client.devices.list().first() is None


@pytest.mark.parametrize("status", [503, 429, 502])
def test_a_client_repeats_what_may_succeed_soon(stand_in: StandIn, client: Client, status: int) -> None:
    stand_in.fail(status, times=2)

    assert client.devices.list().first() is None
    assert [request.status for request in stand_in.requests] == [status, status, 200]


def test_a_server_may_ask_for_more_patience_than_there_is(stand_in: StandIn, client: Client) -> None:
    stand_in.fail(503, retry_after=120)

    with pytest.raises(ServerError) as failed:
        client.devices.list().first()

    assert failed.value.retry_after == 120


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("refuse_connections", NotSentError),
        ("time_out", ConnectionLostError),
        ("lose_answers", ConnectionLostError),
    ],
)
def test_a_connection_fails_on_demand(stand_in: StandIn, failure: str, error: type[FirmtrailError]) -> None:
    getattr(stand_in, failure)()

    with Client(stand_in.url, api_key=stand_in.api_key, attempts=1) as client, pytest.raises(error):
        client.devices.list().first()

    assert [request.status for request in stand_in.requests] == [None]


def test_a_lost_answer_was_for_work_that_is_done(stand_in: StandIn, client: Client) -> None:
    stand_in.lose_answers()

    with pytest.raises(ConnectionLostError) as lost:
        client.devices.create(None, "pump-1")

    assert lost.value.maybe_applied
    assert [device.name for device in client.devices.list()] == ["pump-1"]


def test_a_timeout_is_of_work_that_is_not_done(stand_in: StandIn, client: Client) -> None:
    stand_in.time_out()

    with pytest.raises(ConnectionLostError):
        client.devices.create(None, "pump-1")

    assert client.devices.list().first() is None


def test_a_report_whose_answer_is_lost_is_repeated(stand_in: StandIn) -> None:
    device = stand_in.add_device("pump-1")
    stand_in.lose_answers()

    with Client(stand_in.url, api_key=stand_in.add_device_key(device.id)) as client:
        receipt = client.firmware.report(device.id, "1.0")

    assert receipt.outcome == "known"
    assert len(stand_in.requests) == 2


def test_a_failure_meets_the_path_that_it_names(stand_in: StandIn, client: Client) -> None:
    stand_in.fail(500, path="/fleet_status")

    assert client.devices.list().first() is None
    with pytest.raises(ServerError):
        client.fleet.status()


def test_access_tokens_fail_only_by_name(stand_in: StandIn, client: Client) -> None:
    stand_in.fail(500, path="/v1/oauth/token")

    with pytest.raises(FirmtrailError) as failed:
        client.devices.list().first()

    assert isinstance(failed.value, OAuthError | ServerError)
    assert stand_in.requests == []


def test_recovery_forgets_failures(stand_in: StandIn, client: Client) -> None:
    stand_in.fail(500, times=99)
    stand_in.recover()

    assert client.fleet.status().devices == 0


def test_requests_are_recorded_without_credentials(stand_in: StandIn, client: Client) -> None:
    made = client.devices.create(None, "pump-1", labels={"site": "oslo"})
    client.devices.list(name="pump").first()

    created, listed = stand_in.requests
    key_id, _, secret = stand_in.api_key.partition(":")
    assert (created.method, created.path, created.status) == ("POST", "/v1/projects/current/devices", 201)
    assert (created.json["name"], str(created.api_key_id)) == ("pump-1", key_id)
    assert (listed.json, listed.query["name"]) == (None, "pump")
    assert secret not in repr(stand_in.requests)
    assert made.name in repr(stand_in.requests)


UNANSWERED: dict[str, Callable[[Client], object]] = {
    "GET /v1/projects/current/webhooks": lambda client: client.webhooks.list().first(),
    "POST /v1/projects/current/devices/import": lambda client: client.devices.import_rows(None, "name\na\n"),
    "with agent_health=": lambda client: client.devices.list(agent_health="ok").first(),
    "with version=": lambda client: client.fleet.adoption(version="1"),
    "POST /v1/seed": lambda client: client.seed(),
}


@pytest.mark.parametrize("name", UNANSWERED)
def test_what_it_does_not_answer_is_named(stand_in: StandIn, client: Client, name: str) -> None:
    with pytest.raises(NotAnswered, match="firmtrail_real_server") as unanswered:
        UNANSWERED[name](client)

    assert name in str(unanswered.value)
    assert stand_in.unanswered == [unanswered.value]
    assert stand_in.requests[-1].status is None


BOOT = uuid.UUID(int=1)
SENT = ClockReading(boot_id=BOOT, boot_sequence=2, boot_time_ms=5_000)
EARLIER = ClockReading(boot_id=uuid.UUID(int=2), boot_sequence=1, boot_time_ms=5_000)
READING = ComponentReading(version="1")


@pytest.mark.parametrize(
    "batch",
    [
        {"agent": AgentStatement(version="1")},
        {"waiting": [SENT]},
        {"records": [ObservationRecord(first_observed=EARLIER, components=[READING])]},
        {"records": [ObservationRecord(first_observed=SENT, components=[READING], dropped_before=1)]},
        {"records": [ObservationRecord(first_observed=SENT, components=[READING, READING])]},
        {"records": [ObservationRecord(first_observed=SENT, components=[ComponentReading(error="no", gone=True)])]},
    ],
    ids=["agent", "waiting", "another boot", "dropped", "refused", "gone"],
)
def test_a_batch_that_takes_more_than_arithmetic_is_not_answered(stand_in: StandIn, batch: dict[str, Any]) -> None:
    device = stand_in.add_device("pump-1")
    said: dict[str, Any] = {"records": [], "sent": SENT, **batch}

    with Client(stand_in.url, api_key=stand_in.add_device_key(device.id)) as client, pytest.raises(NotAnswered):
        client.firmware.report_batch(device.id, **said)


def test_an_ancient_report_is_not_answered(stand_in: StandIn) -> None:
    device = stand_in.add_device("pump-1")

    with Client(stand_in.url, api_key=stand_in.add_device_key(device.id)) as client, pytest.raises(NotAnswered):
        client.firmware.report(device.id, "1", observed_at=stand_in.now() - dt.timedelta(days=600))


def test_a_test_arranges_devices_with_their_past(stand_in: StandIn, client: Client) -> None:
    device = stand_in.add_device("pump-1", labels={"site": "oslo"})
    stand_in.add_report(device.id, "1.0", observed_at=stand_in.now() - dt.timedelta(days=700))
    stand_in.add_report(device.id, "1.1")

    assert [period.version for period in client.firmware.history(device.id)] == ["1.0", "1.1"]
    assert stand_in.requests[-1].method == "GET"
    with pytest.raises(Refused):
        stand_in.add_device("pump-1")


def test_keys_have_the_powers_they_are_made_with(stand_in: StandIn) -> None:
    stand_in.add_device("pump-1")
    key = stand_in.add_key("viewer", reports_for_devices=True)

    with Client(stand_in.url, api_key=key) as gateway:
        (result,) = gateway.firmware.report_many([{"device_name": "pump-1", "version": "2"}])

        assert result.is_stored
        with pytest.raises(FirmtrailError):
            gateway.devices.create(None, "pump-2")


def test_other_hosts_are_not_reached_unless_they_are_let_through(stand_in: StandIn) -> None:
    with pytest.raises(AssertionError, match="not mocked"):
        httpx.get("http://127.0.0.1:9/")

    stand_in.router.get("http://elsewhere.test/").respond(text="here")

    assert httpx.get("http://elsewhere.test/").text == "here"


def test_nothing_is_answered_after_the_block() -> None:
    with StandIn() as stand_in:
        pass

    with Client(stand_in.url, api_key=stand_in.api_key, attempts=1) as client, pytest.raises(NotSentError):
        client.devices.list().first()


async def test_an_asynchronous_client_meets_the_same_failures(stand_in: StandIn) -> None:
    stand_in.fail(503, times=2)
    async with AsyncClient(stand_in.url, api_key=stand_in.api_key) as client:
        assert await client.devices.list().first() is None

    assert [request.status for request in stand_in.requests] == [503, 503, 200]
