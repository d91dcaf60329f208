"""Clients that differ in a few options and share the rest; what comes with an answer; what is logged."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import attrs
import pytest

import firmtrail
from firmtrail import (
    AsyncClient,
    Client,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    DeviceImport,
    InvalidRequestError,
    NotFoundError,
    RawResponse,
    ServerError,
)
from firmtrail._http import new_transport
from firmtrail._retry import RetryPolicy
from firmtrail._settings import Settings
from firmtrail._tables import MAX_ROWS
from tests.sdk.granting import REPORT, TOKEN, asked, authorization, granting
from tests.sdk.misbehaving import MisbehavingServer, answering, dripping
from tests.sdk.policies import with_policy
from tests.served import Server
from tests.server.conftest import Demo

DEVICE = "00000000-0000-4000-8000-000000000000"
SECRET = "ftd_hidden-word"


async def test_options_share_the_token_and_the_connection(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [granting(), REPORT, REPORT]
    async with AsyncClient(misbehaving.url, api_key=f"id:{SECRET}") as client:
        await client.firmware.report(DEVICE, "1")
        await client.with_options(timeout=5, attempts=1).firmware.report(DEVICE, "1")

    assert asked(misbehaving) == ["token Basic", "firmware_version Bearer", "firmware_version Bearer"]


async def test_a_gateway_reports_for_many_devices_over_one_pool(server: Server, demo: Demo) -> None:
    async with AsyncClient(server.url) as gateway:
        device = gateway.with_options(api_key=":".join(demo.device_key))
        project = gateway.with_options(api_key=":".join(demo.project_key))
        async with device:
            await device.firmware.report(demo.device_id, "1.4.2")
        periods = [one.version async for one in project.firmware.history(demo.device_id)]

    assert periods == ["1.4.2"]


async def test_attempts_and_timeout_are_those_of_the_call(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(502), dripping]
    made = AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", auth="basic")
    async with with_policy(made, RetryPolicy(random=lambda: 0.0)) as client:
        with pytest.raises(ServerError):
            await client.with_options(attempts=1).firmware.report(DEVICE, "1")
        with pytest.raises(DeadlineExceededError):
            await client.with_options(timeout=0.3).firmware.report(DEVICE, "1")

    assert len(misbehaving.requests) == 2


@pytest.mark.parametrize("options", [{"timeout": 0}, {"attempts": 0}, {"project": "Pumps"}])
async def test_an_option_that_cannot_be_used_is_refused(options: dict[str, float]) -> None:
    async with AsyncClient("http://127.0.0.1:9") as client:
        with pytest.raises(ConfigError, match=next(iter(options))):
            client.with_options(**options)  # pyright: ignore[reportArgumentType]  the point


async def test_the_project_of_a_client_is_that_of_calls_that_name_none(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(404)] * 5
    other = "00000000-0000-4000-8000-000000000001"
    async with AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", auth="basic", project=DEVICE) as client:
        for call in (
            client.projects.get(),
            client.devices.list().first(),
            client.projects.get(other),
            client.with_options(project=other).fleet.versions(),
            client.projects.current(),
        ):
            with pytest.raises(NotFoundError):
                await call

    paths = [request.split()[1].decode().partition("?")[0] for request in misbehaving.requests]
    assert paths == [
        f"/v1/projects/{DEVICE}",
        f"/v1/projects/{DEVICE}/devices",
        f"/v1/projects/{other}",
        f"/v1/projects/{other}/firmware_versions",
        "/v1/projects/current",
    ]


async def test_a_raw_response_has_the_request_id_of_good_and_bad_answers(server: Server, demo: Demo) -> None:
    seen: list[RawResponse] = []
    async with AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        watched = client.with_options(on_response=seen.append)
        await watched.devices.get(demo.device_id)
        with pytest.raises(NotFoundError) as refused:
            await watched.devices.get(DEVICE)

    good, bad = seen  # and none of getting the access token
    assert (good.method, good.status, bad.status) == ("GET", 200, 404)
    assert demo.device_id.encode() in good.content
    assert good.request_id
    assert bad.request_id == refused.value.request_id
    assert good.headers["content-type"].startswith("application/json")
    assert repr(attrs.evolve(good, content=SECRET.encode())).count(SECRET) == 0


async def test_a_closed_client_and_those_made_of_it_say_so(misbehaving: MisbehavingServer) -> None:
    client = AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", auth="basic")
    derived = client.with_options(attempts=1)
    await client.aclose()
    sync = Client(misbehaving.url, api_key=f"id:{SECRET}", auth="basic")
    sync.close()

    for closed in (client, derived):
        with pytest.raises(ClientClosedError):
            await closed.firmware.report(DEVICE, "1")
    with pytest.raises(ClientClosedError):
        sync.firmware.report(DEVICE, "1")
    assert misbehaving.requests == []


async def test_the_log_names_each_attempt_and_shows_no_secret(
    misbehaving: MisbehavingServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    failing = answering(503, Retry_After="0", X_Request_Id="r-7", Set_Cookie="session=cookie-secret")
    misbehaving.behaviours = [granting(), failing, REPORT]
    made = AsyncClient(misbehaving.url, api_key=f"id:{SECRET}")
    async with with_policy(made, RetryPolicy(random=lambda: 0.0)) as client:
        await client.firmware.report(DEVICE, "1")

    ours = [record.getMessage() for record in caplog.records if record.name == "firmtrail"]
    assert [message.split(":")[0].split(",")[0] for message in ours] == [
        "POST /v1/oauth/token",
        f"POST /v1/devices/{DEVICE}/firmware_version",
        f"POST /v1/devices/{DEVICE}/firmware_version",
        f"POST /v1/devices/{DEVICE}/firmware_version",
    ]
    assert "request r-7" in ours[1]
    assert "'authorization': '[hidden]'" in ours[1]
    sent = [authorization(request.decode()).partition(" ")[2] for request in misbehaving.requests]
    for secret in (SECRET, TOKEN, *sent):
        assert secret not in caplog.text
    assert "cookie-secret" not in "".join(ours)


async def test_an_export_keeps_to_the_options_of_its_client(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(502)] * 9
    seen: list[RawResponse] = []
    made = AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", auth="basic")
    async with with_policy(made, RetryPolicy(random=lambda: 0.0)) as client:
        once = client.with_options(attempts=1, project=DEVICE, on_response=seen.append)
        with pytest.raises(ServerError):
            await anext(once.firmware_history.export())

    assert len(misbehaving.requests) == len(seen) == 1
    assert f"/v1/projects/{DEVICE}/firmware_history".encode() in misbehaving.requests[0]
    with pytest.raises(ClientClosedError):
        await anext(once.firmware_history.export())


async def test_an_export_is_logged_like_every_attempt(
    server: Server, demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "firmtrail")
    async with AsyncClient(server.url, api_key=":".join(demo.project_key), auth="basic") as client:
        assert [period async for period in client.firmware_history.export()] == []

    (said,) = [record.getMessage() for record in caplog.records if record.name == "firmtrail"]
    assert "/firmware_history: 200" in said
    assert demo.project_key[1] not in said


async def test_a_cookie_of_a_proxy_is_not_kept(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(404, Set_Cookie="session=7"), REPORT]
    async with AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", auth="basic") as client:
        with pytest.raises(NotFoundError):
            await client.firmware.report(DEVICE, "1")
        await client.with_options(api_key="other:secret").firmware.report(DEVICE, "1")

    assert b"cookie" not in misbehaving.requests[1].lower()


async def test_labels_are_a_mapping_in_filters_too(server: Server, demo: Demo) -> None:
    async with AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        await client.devices.create(None, "a", labels={"site": "berlin", "rack": "7"})
        await client.devices.create(None, "b", labels={"site": "bonn", "rack": "7"})

        racks = [one.name async for one in client.devices.list(labels={"rack": None})]
        berlin = [one.name async for one in client.devices.list(labels={"site": "berlin", "rack": None})]
        everything = [one.name async for one in client.devices.list(labels={})]
        for wrong in ({"site": "x,rack"}, {"a=b": None}, {"a,b": None}):
            with pytest.raises(InvalidRequestError, match="/labels"):
                client.devices.list(labels=wrong)

    assert (racks, berlin, len(everything)) == (["a", "b"], ["a"], 3)


async def test_a_file_is_imported_in_pieces_with_progress(server: Server, demo: Demo, tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    rows = MAX_ROWS + 2
    table.write_text("name\n" + "".join(f"pump-{number}\n" for number in range(rows - 1)) + '""\n')
    seen: list[DeviceImport] = []
    async with AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        done = await client.devices.import_file(table, dry_run=True, progress=seen.append)
        lines = tmp_path / "devices.ndjson"
        lines.write_text('{"name": "valve-1"}\n')
        second = await client.devices.import_file(lines)
        with pytest.raises(ConfigError, match="nowhere"):
            await client.devices.import_file(tmp_path / "nowhere.csv")

    assert (done.created_count, done.refused_count, second.created_count) == (rows - 1, 1, 1)
    assert [row.row for row in done.rows] == [*range(1, rows + 1)]
    assert [len(one.rows) for one in seen] == [MAX_ROWS, 2]


async def test_a_kind_of_table_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    async with AsyncClient("http://127.0.0.1:9", api_key=f"id:{SECRET}") as client:
        with pytest.raises(InvalidRequestError, match="csv or ndjson"):
            await client.devices.import_rows(None, "{}", media="json")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  the point


def test_every_part_of_a_client_says_what_it_is() -> None:
    with Client("http://127.0.0.1:9") as client:
        assert repr(client.devices) == "<Devices of http://127.0.0.1:9>"
        assert repr(client.devices.list()) == "<DevicePager of /v1/projects/current/devices>"


def test_one_client_serves_threads_with_options_of_their_own(misbehaving: MisbehavingServer) -> None:
    with Client(misbehaving.url, api_key=f"id:{SECRET}", project=DEVICE) as client:
        found: list[str] = []

        def use(number: int) -> None:
            mine = client.with_options(project=f"{number:032}")
            found.append(repr(mine.devices.list()))

        threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(found) == 4


def test_an_http_library_without_our_place_in_it_is_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def __init__(self, **_: object) -> None: ...

    monkeypatch.setattr("httpx.HTTPTransport.__init__", Other.__init__)

    with pytest.warns(UserWarning, match="httpx"):
        new_transport(Settings(url="http://127.0.0.1", credential=None))


def test_the_version_is_in_the_package() -> None:
    assert firmtrail.__version__.count(".") == 2


async def test_a_derived_client_is_made_in_an_event_loop_and_used_in_another(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [REPORT, REPORT]

    def use() -> None:
        with Client(misbehaving.url, api_key=f"id:{SECRET}", auth="basic") as client:
            for attempts in (1, 2):
                client.with_options(attempts=attempts).firmware.report(DEVICE, "1")

    await asyncio.to_thread(use)
    assert len(misbehaving.requests) == 2
