"""What becomes of the spool on its way: every answer of a server, and who can mend it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from firmtrail import ObservationRecord, to_json
from firmtrail_agent.config import configuration
from firmtrail_agent.config.layers import Layers
from firmtrail_agent.config.settings import Settings, read_settings
from firmtrail_agent.report.record import record_of
from firmtrail_agent.report.report import report_once, send_all
from firmtrail_agent.report.results import Result, exit_code
from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.sources import Reading
from firmtrail_agent.state.device import Device as OpenDevice
from firmtrail_agent.state.device import open_device
from firmtrail_agent.system.host import Host
from tests.agent.support.device import API_KEY, KEY_ID, SECRET, Device
from tests.agent.support.observations import observed
from tests.agent.support.report_server import (
    Answer,
    ReportServer,
    about_another_batch,
    answering,
    bare,
    credential,
    nonsense,
    refusal,
    refusing,
    refusing_batches_with,
    refusing_records,
    reset,
    reset_in_the_middle,
    taken,
    taking_only,
    ten_megabytes,
    truncated,
)

JSON = "application/json"
NEW_KEY = f"{KEY_ID}:ftd_theNextKeyOfThisDevice"
UNUSED_PORT_URL = "http://127.0.0.1:9"
ANSWERS: dict[str, tuple[Answer, int]] = {
    "401": (refusing(401), os.EX_NOPERM),
    "403": (refusing(403), os.EX_NOPERM),
    "404": (refusing(404), os.EX_CONFIG),
    "410": (refusing(410), os.EX_CONFIG),
    "302": (refusing(302, Location="http://127.0.0.1:9/"), os.EX_CONFIG),
    "429": (refusing(429, Retry_After="3600"), os.EX_TEMPFAIL),
    "503": (refusing(503, Retry_After="3600"), os.EX_TEMPFAIL),
    "500": (refusing(500), os.EX_TEMPFAIL),
    "408": (refusing(408), os.EX_TEMPFAIL),
    "425": (refusing(425), os.EX_TEMPFAIL),
    "400": (refusing(400), os.EX_DATAERR),
    "413": (refusing(413), os.EX_DATAERR),
    "422": (refusing(422), os.EX_DATAERR),
    **{
        f"{status} without a problem": (bare(status), os.EX_TEMPFAIL)
        for status in (200, 302, 400, 401, 403, 404, 405, 410, 413, 599)
    },
    "404 of an API gateway": (bare(404, '{"error": "x", "error_description": "y"}', JSON), os.EX_TEMPFAIL),
    "401 of a proxy": (bare(401, WWW_Authenticate="Negotiate"), os.EX_TEMPFAIL),
    "reset": (reset, os.EX_TEMPFAIL),
    "reset in the middle": (reset_in_the_middle, os.EX_TEMPFAIL),
    "truncated": (truncated, os.EX_TEMPFAIL),
    "ten megabytes": (ten_megabytes, os.EX_TEMPFAIL),
    "about another batch": (about_another_batch, os.EX_TEMPFAIL),
    "nonsense": (nonsense, os.EX_TEMPFAIL),
}
TWO = {"main": "/etc/version", "modem": "/etc/modem"}


def settings_of(device: Device) -> Settings:
    return read_settings(lambda: configuration.load(Layers(environment={}, root=device.root)), {})


def opened(device: Device) -> OpenDevice:
    chosen = configuration.load(Layers(environment={}, root=device.root))
    return open_device(Host(environment={}, root=device.root), chosen.device_id)


async def report(device: Device) -> Sequence[Result]:
    with opened(device) as held:
        return (await report_once(settings_of(device), held, device.root)).results


async def send(device: Device, *versions: str) -> tuple[OpenDevice, Delivery]:
    """Send records of these versions."""
    with opened(device) as held:
        for ms, version in enumerate(versions):
            held.observations.add(observed(version, ms))
        return held, await send_all(settings_of(device), held)


async def send_in_rounds(
    device: Device, server: ReportServer, answers: list[Answer], *versions: str
) -> tuple[OpenDevice, list[Delivery]]:
    """Send records of these versions as the daemon does, in as many rounds as there are answers."""
    deliveries = list[Delivery]()
    with opened(device) as held:
        for ms, version in enumerate(versions):
            held.observations.add(observed(version, ms))
        for server.answer in answers:
            deliveries.append(await send_all(settings_of(device), held))
    return held, deliveries


@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_each_refusal_has_its_exit_code(device: Device, server: ReportServer, answer: Answer, code: int) -> None:
    server.answer = answer

    results = await report(device)

    assert exit_code(results) == code
    assert results[0].error


async def test_an_unreachable_server_has_its_exit_code(device: Device) -> None:
    device.configure(UNUSED_PORT_URL)

    assert exit_code(await report(device)) == os.EX_UNAVAILABLE


async def test_a_single_report_announces_no_interval(device: Device, server: ReportServer) -> None:
    await report(device)

    assert server.received[0].interval_seconds is None


async def test_all_components_are_reported_at_once(device: Device, server: ReportServer) -> None:
    device.configure(server.url, sources=TWO)
    device.write("/etc/modem", "9")

    results = await report(device)

    (batch,) = server.received
    assert batch.history == [{"main": "1.4.2", "modem": "9"}]
    assert [result.outcome for result in results] == ["opened", "opened"]


async def test_a_source_that_fails_is_reported_as_an_error_and_never_as_an_old_version(
    device: Device, server: ReportServer
) -> None:
    device.configure(server.url, sources=TWO)
    device.write("/etc/modem", "9")
    await report(device)
    (device.root / "etc/modem").unlink()

    await report(device)

    assert server.versions() == {"main": "1.4.2", "modem": f"error: there is no {device.root}/etc/modem"}


def failing(number: int, error: str = "no answer " * 40) -> Reading:
    return Reading(component=f"part{number}", source="made", error=error)


def running(number: int, version: str = "1" * 128) -> Reading:
    return Reading(component=f"{number:03}".ljust(64, "x"), source="made", version=version)


def recorded(device: Device, readings: Sequence[Reading]) -> ObservationRecord:
    """Make a record of what was read, which must fit into a request."""
    with opened(device) as held:
        record = record_of(readings, held.clocks)
    assert record is not None
    assert len(to_json(record)) < 50 * 1024
    return record


def test_however_many_components_fail_the_versions_are_told_and_why_each_fails(device: Device) -> None:
    readings = [*[failing(number) for number in range(255)], running(0)]

    said = recorded(device, readings).components

    assert [one.component for one in said] == [reading.component for reading in readings]
    assert said[-1].version == "1" * 128
    assert all((one.error or "").startswith("no answer no answer ") for one in said[:-1])


def test_a_few_errors_are_told_in_full(device: Device) -> None:
    said = recorded(device, [failing(number) for number in range(9)]).components

    assert {len(one.error or "") for one in said} == {256}


@pytest.mark.parametrize(("version", "count"), [("1.4.2", 256), ("1" * 128, 200), ("\U0001f680" * 128, 29)])
def test_a_version_wins_over_an_error_where_there_is_no_room_for_both(device: Device, version: str, count: int) -> None:
    errors = [failing(number, "\U0001f680" * 256) for number in range(300)]

    said = recorded(device, [*errors, *[running(number, version) for number in range(300)]]).components

    assert len(said) <= 256
    assert len([one for one in said if one.version]) >= count


def test_with_little_room_an_error_is_a_few_words(device: Device) -> None:
    said = recorded(device, [*[running(number) for number in range(170)], *[failing(number) for number in range(80)]])

    assert len(said.components) == 250
    assert all((one.error or "").startswith("no answer no answer") for one in said.components if not one.version)


async def test_a_component_for_which_there_is_no_room_is_told_so(device: Device, server: ReportServer) -> None:
    device.configure(server.url, sources={f"part{number}": "/etc/version" for number in range(257)})

    *taken_ones, last = await report(device)

    assert {result.outcome for result in taken_ones} == {"opened"}
    assert last.error == "a report has no room for it: let the sources speak of fewer components"
    assert exit_code([*taken_ones, last]) == os.EX_DATAERR


@pytest.mark.parametrize(
    "answer", [refusing(503), reset, reset_in_the_middle, truncated], ids=["503", "reset", "cut", "half"]
)
async def test_what_could_not_be_sent_is_sent_before_what_runs_then(
    device: Device, server: ReportServer, answer: Answer
) -> None:
    server.answer = answer
    await report(device)
    device.write("/etc/version", "1.5.0")
    await report(device)
    device.write("/etc/version", "1.6.0")
    server.answer = taken

    await report(device)

    assert server.received[-1].history == [{"main": "1.4.2"}, {"main": "1.5.0"}, {"main": "1.6.0"}]
    assert opened(device).observations.spool.records == []


async def test_a_long_spool_goes_in_batches_oldest_first(device: Device, server: ReportServer) -> None:
    versions = [f"v{number}" for number in range(100)]

    held, _ = await send(device, *versions)

    assert [len(batch.records) for batch in server.received] == [32, 32, 32, 4]
    assert [one["main"] for batch in server.received for one in batch.history] == versions
    assert held.observations.spool.records == []


async def test_large_records_go_in_smaller_batches(device: Device, server: ReportServer) -> None:
    versions = [f"{number:03}".ljust(128, "\U0001f680") for number in range(60)]

    await send(device, *versions)

    assert len(server.received) > 2
    assert [one["main"] for batch in server.received for one in batch.history] == versions


async def test_what_was_sent_before_the_network_broke_is_not_sent_again(device: Device, server: ReportServer) -> None:
    async def once(request: object, body: object) -> object:
        server.answer = refusing(503)
        return await taken(request, body)  # pyright: ignore[reportArgumentType]  as it came

    server.answer = once  # pyright: ignore[reportAttributeAccessIssue]  the same

    held, delivery = await send(device, *[f"v{number}" for number in range(40)])

    assert delivery.failure is not None
    assert [record.components[0].version for record in held.observations.spool.records] == [
        f"v{n}" for n in range(32, 40)
    ]


async def test_a_record_that_the_server_refuses_is_put_aside_and_the_others_are_taken(
    device: Device, server: ReportServer
) -> None:
    server.answer = refusing_records("bad")

    held, delivery = await send(device, "1", "bad", "3")

    assert delivery.failure is None
    assert delivery.refused == ["invalid_request: /records/0/x must have at most 128 characters"]
    assert held.observations.spool.records == []
    assert len([*(device.root / "var/lib/firmtrail-agent/spool/bad").iterdir()]) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_rejected_batch_is_halved_until_its_bad_record_is_found(
    device: Device, server: ReportServer, status: int
) -> None:
    versions = [f"v{number}" for number in range(32)]
    versions[13] = "bad"
    server.answer = refusing_batches_with("bad", status)

    held, delivery = await send(device, *versions)

    assert len(delivery.refused) == 1
    assert held.observations.spool.records == []
    reported = [one["main"] for batch in server.received for one in batch.history if "bad" not in str(batch.history)]
    assert reported == [version for version in versions if version != "bad"]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_server_that_rejects_everything_gets_few_requests_and_costs_no_record(
    device: Device, server: ReportServer, status: int
) -> None:
    server.answer = refusing(status)

    held, delivery = await send(device, *[f"v{number}" for number in range(100)])

    assert len(server.received) <= 16
    assert (len(delivery.refused), len(held.observations.spool.records)) == (0, 100)
    assert delivery.failure is not None
    assert delivery.failure.trouble == "rejected"


async def test_a_server_that_rejects_for_many_rounds_costs_no_record(device: Device, server: ReportServer) -> None:
    versions = [f"v{number}" for number in range(40)]

    held, deliveries = await send_in_rounds(device, server, [refusing(422)] * 5 + [taken], *versions)

    assert [len(delivery.refused) for delivery in deliveries] == [0] * 6
    assert held.observations.spool.records == []
    assert [one["main"] for batch in server.received[-2:] for one in batch.history] == versions


async def test_a_rejected_record_is_put_aside_when_a_later_one_is_taken(device: Device, server: ReportServer) -> None:
    answers = [refusing(422), refusing_batches_with("bad", 422)]

    held, deliveries = await send_in_rounds(device, server, answers, "1", "2", "3", "bad", "4")

    assert (deliveries[1].failure, len(deliveries[1].refused)) == (None, 1)
    assert held.observations.spool.records == []
    assert server.versions() == {"main": "4"}


async def test_records_that_a_proxy_refuses_stay_in_the_spool(device: Device, server: ReportServer) -> None:
    server.answer = bare(413)

    held, _ = await send(device, "1", "2")

    assert len(held.observations.spool.records) == 2


async def test_a_refusal_of_what_runs_now_is_told_of_every_component(device: Device, server: ReportServer) -> None:
    server.answer = refusing_records("1.4.2")

    (result,) = await report(device)

    assert result.error == "invalid_request: /records/0/x must have at most 128 characters"


@pytest.mark.parametrize("status", [200, 403, 422])
async def test_what_a_server_repeats_of_the_key_is_hidden(device: Device, server: ReportServer, status: int) -> None:
    shown: list[str] = []

    async def repeat(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        shown[:] = [SECRET, request.headers["Authorization"].partition(" ")[2].rstrip("=")]
        detail = f"You say {request.headers['Authorization']}, which is {credential(request)}."
        if status == 200:
            return answering([refusal(detail) for _ in body["records"]])
        return await refusing(status, detail=detail)(request, body)

    server.answer = repeat

    _, delivery = await send(device, "1", "2")

    told = f"{delivery.failure} {delivery.refused}"
    assert "You say" in told
    assert [one for one in shown if one in told] == []


async def test_the_clock_of_the_device_is_compared_with_the_servers(device: Device, server: ReportServer) -> None:
    held, _ = await send(device, "1")

    assert held.clocks.read().clock_state == "synced"


async def test_a_report_is_one_request_that_carries_the_key_itself(device: Device, server: ReportServer) -> None:
    await report(device)

    assert [(one.scheme, one.credential) for one in server.received] == [("Basic", API_KEY)]


async def test_a_refused_key_without_another_one_is_shown_once(device: Device, server: ReportServer) -> None:
    server.answer = refusing(401)

    await report(device)

    assert len(server.received) == 1


async def test_a_key_replaced_in_the_middle_hides_no_refusal(device: Device, server: ReportServer) -> None:
    async def once(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        device.write_key(NEW_KEY)
        server.answer = taking_only(NEW_KEY)
        return await refusing_records("v1")(request, body)

    server.answer = once

    held, delivery = await send(device, *[f"v{number}" for number in range(40)])

    assert (delivery.failure, len(delivery.refused), held.observations.spool.records) == (None, 1, [])


async def test_a_report_goes_through_the_configured_proxy_and_past_that_of_the_environment(
    device: Device, server: ReportServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", UNUSED_PORT_URL)
    device.configure("http://firmtrail.invalid")
    device.write("/etc/firmtrail-agent/config.d/1.toml", f'[server]\nproxy = "{server.url}"\n')

    (result,) = await report(device)

    assert result.outcome == "opened"
