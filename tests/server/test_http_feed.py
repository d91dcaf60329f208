"""The feed over HTTP: pages, waiting for changes, and server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.http import feed_endpoint
from firmtrail_server.services import feed_waits
from firmtrail_server.settings import Settings
from tests.served import Server, serving
from tests.server.callers import Caller, join, key_of, made, read, refusal
from tests.server.conftest import Clock, Demo, seed

LONG = 30


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_waits, "_SECONDS_BETWEEN_LOOKS", 0.02)


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/firmware_changes"


@pytest.fixture
async def waiting_http(server: Server) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of many connections, none of which is in a hurry."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=LONG, limits=limits) as client:
        yield client


@pytest.fixture
def waiter(waiting_http: httpx.AsyncClient, demo: Demo) -> Caller:
    return Caller(waiting_http, demo.project_key)


async def run(http: httpx.AsyncClient, demo: Demo, *versions: str, component: str = "main") -> None:
    for version in versions:
        body = {"version": version, "component": component}
        (await http.post(demo.path, json=body, auth=demo.device_key)).raise_for_status()


async def ask(caller: Caller, path: str) -> httpx.Response:
    return await caller.http.get(f"/v1/{path}", auth=caller.auth)


async def waited(server: Server, number: int = 1) -> None:
    """Wait until so many wait."""
    async with asyncio.timeout(LONG):
        while len(server.services.feed_waits) != number:  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.005)


def numbers(page: Any) -> list[int]:
    return [item["number"] for item in page["items"]]


async def test_changes_come_in_pages_by_their_numbers(admin: Caller, demo: Demo, path: str) -> None:
    await run(admin.http, demo, "1", "2", "3", "4", "5")

    pages = [read(await ask(admin, f"{path}?limit=2&after={after}")) for after in (0, 2, 4, 5)]

    assert [numbers(page) for page in pages] == [[1, 2], [3, 4], [5], []]
    assert [page["last_number"] for page in pages] == [2, 4, 5, 5]


async def test_a_project_without_changes_has_number_zero(admin: Caller, path: str) -> None:
    assert read(await admin.get(path)) == {"items": [], "last_number": 0}


async def test_a_change_says_what_ran_before(admin: Caller, demo: Demo, path: str) -> None:
    await run(admin.http, demo, "1", "2")

    (_, change) = read(await admin.get(path))["items"]

    told = {name: change[name] for name in ("kind", "device_id", "component", "version", "previous_version")}
    assert told == {
        "kind": "opened", "device_id": demo.device_id, "component": "main", "version": "2", "previous_version": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("component=modem", [2, 4]),
        ("kind=opened", [1, 2, 3]),
        ("kind=opened,device_removed&component=main", [1, 3, 4]),
        ("labels=site=oslo", [1, 2, 3, 4]),
        ("labels=site=bergen", [4]),
    ],
)
async def test_filters_keep_what_is_about_a_device_as_a_whole(
    admin: Caller, demo: Demo, path: str, query: str, expected: list[int]
) -> None:
    other = made(await admin.post(f"projects/{demo.project_id}/devices", {"name": "other"}))["id"]
    await admin.patch(f"devices/{demo.device_id}", {"labels": {"site": "oslo"}})
    await run(admin.http, demo, "1")
    await run(admin.http, demo, "1", component="modem")
    await run(admin.http, demo, "2")
    await admin.get(path)
    await admin.delete(f"devices/{other}")

    page = read(await ask(admin, f"{path}?{query}"))

    assert numbers(page) == expected
    assert page["last_number"] == 4


async def test_of_one_device_alone(admin: Caller, demo: Demo, path: str) -> None:
    await run(admin.http, demo, "1")

    assert numbers(read(await ask(admin, f"{path}?device_id={demo.device_id}"))) == [1]
    assert numbers(read(await ask(admin, f"{path}?device_id={demo.project_id}"))) == []


async def test_a_cursor_that_is_not_kept_is_gone(
    admin: Caller, server: Server, demo: Demo, path: str, database_url: str
) -> None:
    await run(admin.http, demo, "1", "2", "3")
    await admin.get(path)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update firmware_changes set numbered_at = '2026-01-01' where number <= 2")
    await server.services.feed.trim()

    gone = await ask(admin, f"{path}?after=1")

    assert refusal(gone) == (410, "gone")
    assert "Export" in gone.json()["detail"]
    assert numbers(read(await ask(admin, f"{path}?after=2"))) == [3]
    assert numbers(read(await admin.get(path))) == [3]


async def test_a_cursor_of_before_a_restored_backup_is_gone(admin: Caller, demo: Demo, path: str) -> None:
    await run(admin.http, demo, "1")

    gone = await ask(admin, f"{path}?after=7&wait_seconds=60")

    assert refusal(gone) == (410, "gone")
    assert "backup" in gone.json()["detail"]


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "limit=1001", "wait_seconds=301", "kind=closed", "after=x"])
async def test_a_query_that_is_wrong_is_refused(admin: Caller, path: str, query: str) -> None:
    assert refusal(await ask(admin, f"{path}?{query}")) == (422, "invalid_request")


async def test_a_device_may_not_read_the_feed(http: httpx.AsyncClient, demo: Demo, path: str) -> None:
    assert refusal(await Caller(http, demo.device_key).get(path)) == (403, "forbidden")


async def test_a_wait_ends_with_a_change(server: Server, waiter: Caller, demo: Demo, path: str) -> None:
    answer = asyncio.create_task(ask(waiter, f"{path}?wait_seconds=60"))
    await waited(server)

    await run(waiter.http, demo, "1")

    assert numbers(read(await answer)) == [1]


async def test_a_wait_goes_on_while_changes_do_not_match(server: Server, waiter: Caller, demo: Demo, path: str) -> None:
    answer = asyncio.create_task(ask(waiter, f"{path}?wait_seconds=60&component=modem"))
    await waited(server)

    await run(waiter.http, demo, "1", "2")
    await waited(server)
    await run(waiter.http, demo, "7", component="modem")

    assert [item["version"] for item in read(await answer)["items"]] == ["7"]


async def test_a_wait_without_a_change_ends_with_its_time(waiter: Caller, path: str) -> None:
    assert read(await ask(waiter, f"{path}?wait_seconds=1")) == {"items": [], "last_number": 0}


async def test_waiters_hold_no_connection_of_the_pool(
    server: Server, waiter: Caller, admin: Caller, demo: Demo, path: str
) -> None:
    answers = [asyncio.create_task(ask(waiter, f"{path}?wait_seconds=60")) for _ in range(40)]
    await waited(server, 40)

    stats = server.services.database.pool_stats()
    assert stats["pool_available"] >= stats["pool_size"] - 1, "the look may have one"
    await run(admin.http, demo, "1")

    assert {tuple(numbers(read(await answer))) for answer in answers} == {(1,)}
    assert len(server.services.feed_waits) == 0


async def test_waiters_of_a_project_share_one_look(
    server: Server, waiter: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [asyncio.create_task(ask(waiter, f"{path}?wait_seconds=2")) for _ in range(20)]
    await waited(server, 20)
    monkeypatch.setattr(feed_waits, "_SECONDS_BETWEEN_LOOKS", LONG)
    await asyncio.sleep(0.1)  # until the look that goes on has ended
    before = server.services.database.commits

    await server.services.feed_waits.look()

    assert server.services.database.commits - before == 1
    await asyncio.gather(*answers)


async def test_a_wait_ends_with_its_key(server: Server, waiter: Caller, admin: Caller, demo: Demo, path: str) -> None:
    key = made(await admin.post(f"projects/{demo.project_id}/api_keys", {"role": "viewer"}))
    answer = asyncio.create_task(ask(Caller(waiter.http, key_of(key)), f"{path}?wait_seconds=60"))
    await waited(server)

    await admin.delete(f"projects/{demo.project_id}/api_keys/{key['id']}")

    assert refusal(await answer) == (401, "unauthenticated")


async def test_a_wait_ends_when_its_key_expires(server: Server, waiter: Caller, path: str, clock: Clock) -> None:
    expires = "2026-06-01T13:00:00Z"
    keys = path.replace("firmware_changes", "api_keys")
    key = made(await waiter.post(keys, {"role": "viewer", "expires_at": expires}))
    answer = asyncio.create_task(ask(Caller(waiter.http, key_of(key)), f"{path}?wait_seconds=60"))
    await waited(server)

    clock.advance(hours=2)

    assert refusal(await answer) == (401, "unauthenticated")


async def test_a_wait_ends_with_the_membership(
    server: Server, waiter: Caller, ada: Caller, bob: Caller, clock: Clock
) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'hers'}))['id']}"
    await join(bob, ada, project, "viewer")
    member = attrs.evolve(bob, http=waiter.http)
    answer = asyncio.create_task(ask(member, f"{project}/firmware_changes?wait_seconds=60"))
    await waited(server)

    await ada.delete(f"{project}/members/{read(await bob.get('users/me'))['id']}")

    assert refusal(await answer) == (404, "not_found")


async def test_a_wait_ends_with_the_project(
    server: Server, waiter: Caller, demo: Demo, path: str, database_url: str
) -> None:
    answer = asyncio.create_task(ask(waiter, f"{path}?wait_seconds=60"))
    await waited(server)

    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update projects set deleted_at = now() where id = %s", [demo.project_id])

    assert refusal(await answer) == (401, "unauthenticated")


async def test_a_server_that_stops_answers_who_waits_at_once(
    settings: Settings, database_url: str, clock: Clock
) -> None:
    async with httpx.AsyncClient(timeout=LONG) as http:
        async with serving(create_app(settings, database_url, clock=clock), shutdown_seconds=LONG) as server:
            http.base_url = server.url
            demo = await seed(http)
            url = f"/v1/projects/{demo.project_id}/firmware_changes"
            answer = asyncio.create_task(http.get(url, params={"wait_seconds": 300}, auth=demo.project_key))
            stream = asyncio.create_task(http.get(url, headers={"Accept": "text/event-stream"}, auth=demo.project_key))
            await waited(server, 2)
        assert (await answer).json() == {"items": [], "last_number": 0}
        assert (await stream).status_code == 200


@attrs.frozen
class Event:
    """One of a stream."""

    kind: str
    id: str
    data: dict[str, Any]


@asynccontextmanager
async def events(caller: Caller, path: str, **headers: str) -> AsyncGenerator[AsyncIterator[Event]]:
    """Read a stream as the HTML standard says, comments left out."""
    wanted = {"Accept": "text/event-stream", **headers}
    async with caller.http.stream("GET", f"/v1/{path}", headers=wanted, auth=caller.auth) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        yield parsed(response)


async def parsed(response: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


async def test_a_stream_gives_changes_as_they_come(waiter: Caller, admin: Caller, demo: Demo, path: str) -> None:
    await run(admin.http, demo, "1")
    async with events(waiter, path) as stream:
        first, position = await anext(stream), await anext(stream)
        await run(admin.http, demo, "2")
        second = await anext(stream)

    assert [(one.kind, one.id) for one in (first, position, second)] == [
        ("opened", "1"),
        ("position", "1"),
        ("opened", "2"),
    ]
    assert (second.data["version"], second.data["number"]) == ("2", 2)


async def test_a_stream_goes_on_after_the_last_event_id(waiter: Caller, demo: Demo, path: str) -> None:
    await run(waiter.http, demo, "1", "2", "3")
    async with events(waiter, path) as stream:
        first = await anext(stream)

    async with events(waiter, f"{path}?after=0", **{"Last-Event-ID": first.id}) as stream:
        assert [(await anext(stream)).id for _ in range(2)] == ["2", "3"]


async def test_a_stream_says_how_far_it_is_past_what_a_filter_leaves_out(waiter: Caller, demo: Demo, path: str) -> None:
    async with events(waiter, f"{path}?component=modem") as stream:
        assert (await anext(stream)).data == {"last_number": 0}
        await run(waiter.http, demo, "1")
        assert (await anext(stream)).id == "1"


async def test_a_stream_ends_with_its_key(waiter: Caller, admin: Caller, demo: Demo, path: str) -> None:
    key = made(await admin.post(f"projects/{demo.project_id}/api_keys", {"role": "viewer"}))
    async with events(Caller(waiter.http, key_of(key)), path) as stream:
        await anext(stream)
        await admin.delete(f"projects/{demo.project_id}/api_keys/{key['id']}")

        assert [one async for one in stream] == []


@pytest.mark.parametrize("lost", ["membership", "project"])
async def test_a_stream_ends_when_its_reader_loses_the_project(
    waiter: Caller, ada: Caller, bob: Caller, lost: str
) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'hers'}))['id']}"
    await join(bob, ada, project, "viewer")
    async with events(attrs.evolve(bob, http=waiter.http), f"{project}/firmware_changes") as stream:
        await anext(stream)
        if lost == "project":
            await ada.delete(project, name="hers")
        else:
            await ada.delete(f"{project}/members/{read(await bob.get('users/me'))['id']}")

        assert [one async for one in stream] == []


async def test_a_stream_ends_with_its_access_token(
    waiter: Caller, demo: Demo, path: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_endpoint, "_SECONDS_BETWEEN_HEARTBEATS", 0.02)
    form = {"grant_type": "client_credentials"}
    token = (await waiter.http.post("/v1/oauth/token", data=form, auth=demo.project_key)).json()["access_token"]
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
    async with waiter.http.stream("GET", f"/v1/{path}", headers=headers) as response:
        stream = parsed(response)
        await anext(stream)
        clock.advance(hours=1)

        assert [one async for one in stream] == []


async def test_an_idle_stream_has_a_heartbeat(waiter: Caller, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_endpoint, "_SECONDS_BETWEEN_HEARTBEATS", 0.02)
    async with waiter.http.stream(
        "GET", f"/v1/{path}", headers={"Accept": "text/event-stream"}, auth=waiter.auth
    ) as response:
        lines = response.aiter_lines()
        while await anext(lines) != ":":
            pass


async def test_a_client_that_leaves_a_stream_leaves_nothing_behind(
    server: Server, waiter: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_endpoint, "_SECONDS_BETWEEN_HEARTBEATS", 0.02)
    async with events(waiter, path) as stream:
        await anext(stream)

    await waited(server, 0)


@pytest.mark.parametrize("last_event_id", ["x", "-1", "1" * 16])
async def test_a_last_event_id_that_is_no_number_is_refused(waiter: Caller, path: str, last_event_id: str) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": last_event_id}

    answer = await waiter.http.get(f"/v1/{path}", headers=headers, auth=waiter.auth)

    assert refusal(answer) == (400, "malformed_request")


async def test_a_stream_of_what_is_not_kept_is_refused(waiter: Caller, path: str) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "9"}

    assert refusal(await waiter.http.get(f"/v1/{path}", headers=headers, auth=waiter.auth)) == (410, "gone")


async def test_http_1_0_gets_a_stream_without_chunks(server: Server, demo: Demo, path: str) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    credentials = httpx.BasicAuth(*demo.project_key)._auth_header  # pyright: ignore[reportPrivateUsage]
    writer.write(
        f"GET /v1/{path} HTTP/1.0\r\nAccept: text/event-stream\r\nAuthorization: {credentials}\r\n\r\n".encode()
    )

    head = await reader.readuntil(b"\r\n\r\n")

    assert b"Transfer-Encoding" not in head
    assert await reader.readline() == b"id: 0\n"
    writer.close()
