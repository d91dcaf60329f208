"""The API keys of a project over HTTP: made, listed, rotated and deleted, each with a role at most the maker's."""

from __future__ import annotations

import asyncio
from typing import Any

import bcrypt
import httpx
import psycopg
import pytest

from tests.served import Server
from tests.server.callers import Caller, all_pages, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/api_keys"


async def with_role(admin: Caller, path: str, role: str) -> Caller:
    return Caller(admin.http, key_of(made(await admin.post(path, {"role": role}))))


async def test_a_new_key_works_with_its_role(http: httpx.AsyncClient, admin: Caller, path: str, demo: Demo) -> None:
    issued = made(await admin.post(path, {"role": "viewer", "label": "dashboard"}))

    assert issued["secret"].startswith("ftp_")
    assert {key: value for key, value in issued.items() if key not in ("id", "secret")} == {
        "project_id": demo.project_id,
        "role": "viewer",
        "reports_for_devices": False,
        "label": "dashboard",
        "created_at": "2026-06-01T12:00:00.000000Z",
        "expires_at": None,
    }
    viewer = Caller(http, key_of(issued))
    read(await viewer.get(f"projects/{demo.project_id}/devices"))
    assert refusal(await viewer.post(f"projects/{demo.project_id}/devices", {"name": "x"})) == (403, "forbidden")


async def test_the_list_shows_keys_and_never_a_secret(admin: Caller, path: str, demo: Demo) -> None:
    issued = made(await admin.post(path, {"role": "editor", "label": "CI", "expires_at": "2026-07-01T00:00:00Z"}))

    answer = await admin.get(path)

    (listed,) = [key for key in read(answer)["items"] if key["id"] != demo.project_key[0]]
    assert listed == {
        "id": issued["id"],
        "project_id": demo.project_id,
        "role": "editor",
        "reports_for_devices": False,
        "label": "CI",
        "secret_start": issued["secret"][:8],
        "created_by": demo.project_key[0],
        "created_at": "2026-06-01T12:00:00.000000Z",
        "expires_at": "2026-07-01T00:00:00.000000Z",
        "last_used_at": None,
    }
    assert issued["secret"][8:] not in answer.text


async def test_only_a_hash_of_the_secret_is_stored(admin: Caller, path: str, database_url: str) -> None:
    issued = made(await admin.post(path, {"role": "editor"}))

    with psycopg.connect(database_url) as conn:
        row = conn.execute("select secret_hash, api_keys::text from api_keys where id = %s", [issued["id"]]).fetchone()
    assert row is not None
    assert bcrypt.checkpw(issued["secret"].encode(), row[0])
    assert issued["secret"][8:] not in row[1]


async def test_keys_of_devices_and_of_other_projects_are_not_in_the_list(
    admin: Caller, path: str, demo: Demo, other: Demo
) -> None:
    assert [key["id"] for key in read(await admin.get(path))["items"]] == [demo.project_key[0]]


@pytest.mark.parametrize(("role", "higher"), [("editor", "admin"), ("viewer", "viewer")])
async def test_nobody_makes_a_key_with_more_than_they_have(admin: Caller, path: str, role: str, higher: str) -> None:
    maker = await with_role(admin, path, role)

    assert refusal(await maker.post(path, {"role": higher})) == (403, "forbidden")


async def test_an_editor_makes_keys_up_to_editor(admin: Caller, path: str) -> None:
    editor = await with_role(admin, path, "editor")

    assert [made(await editor.post(path, {"role": role}))["role"] for role in ("viewer", "editor")] == [
        "viewer",
        "editor",
    ]


async def test_an_editor_neither_deletes_nor_rotates_an_admins_key(admin: Caller, path: str, demo: Demo) -> None:
    editor = await with_role(admin, path, "editor")

    assert refusal(await editor.delete(f"{path}/{demo.project_key[0]}")) == (403, "forbidden")
    assert refusal(await editor.post(f"{path}/{demo.project_key[0]}/rotate", {})) == (403, "forbidden")
    read(await admin.get(path))


async def test_a_rotated_key_works_beside_the_new_one_and_then_ends(
    http: httpx.AsyncClient, admin: Caller, path: str, clock: Clock
) -> None:
    old = made(await admin.post(path, {"role": "viewer", "label": "dashboard"}))

    new = made(await admin.post(f"{path}/{old['id']}/rotate", {"overlap_seconds": 3600}))

    assert (new["role"], new["label"], new["expires_at"]) == ("viewer", "dashboard", None)
    assert new["id"] != old["id"]
    devices = path.replace("api_keys", "devices")
    clock.advance(seconds=3599)
    assert [(await Caller(http, key_of(key)).get(devices)).status_code for key in (old, new)] == [200, 200]
    clock.advance(seconds=1)
    assert [(await Caller(http, key_of(key)).get(devices)).status_code for key in (old, new)] == [401, 200]


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(
    http: httpx.AsyncClient, admin: Caller, path: str
) -> None:
    old = made(await admin.post(path, {"role": "viewer"}))
    devices = path.replace("api_keys", "devices")
    read(await Caller(http, key_of(old)).get(devices))

    made(await admin.post(f"{path}/{old['id']}/rotate", {"overlap_seconds": 0}))

    assert refusal(await Caller(http, key_of(old)).get(devices)) == (401, "unauthenticated")


async def test_a_rotation_never_lengthens_the_life_of_the_old_key(
    http: httpx.AsyncClient, admin: Caller, path: str, clock: Clock
) -> None:
    old = made(await admin.post(path, {"role": "viewer", "expires_at": "2026-06-01T12:30:00Z"}))
    made(await admin.post(f"{path}/{old['id']}/rotate", {"overlap_seconds": 3600}))

    clock.advance(minutes=30)

    assert (await Caller(http, key_of(old)).get(path.replace("api_keys", "devices"))).status_code == 401


async def test_a_key_that_has_expired_is_listed_and_cannot_be_rotated(admin: Caller, path: str, clock: Clock) -> None:
    key = made(await admin.post(path, {"role": "viewer", "expires_at": "2026-06-01T12:30:00Z"}))
    clock.advance(hours=1)

    assert key["id"] in [one["id"] for one in read(await admin.get(path))["items"]]
    assert refusal(await admin.post(f"{path}/{key['id']}/rotate", {})) == (404, "not_found")


async def test_a_deleted_key_is_refused_at_the_next_request_and_so_are_its_tokens(
    http: httpx.AsyncClient, admin: Caller, path: str
) -> None:
    issued = made(await admin.post(path, {"role": "viewer"}))
    grant = await http.post("/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=key_of(issued))
    bearer = {"Authorization": f"Bearer {read(grant)['access_token']}"}
    devices = path.replace("api_keys", "devices")
    read(await Caller(http, key_of(issued)).get(devices))
    assert (await http.get(f"/v1/{devices}", headers=bearer)).status_code == 200

    assert (await admin.delete(f"{path}/{issued['id']}")).status_code == 204

    assert (await Caller(http, key_of(issued)).get(devices)).status_code == 401
    assert (await http.get(f"/v1/{devices}", headers=bearer)).status_code == 401


async def test_a_key_deleted_in_mid_use_serves_what_was_under_way_and_nothing_after(
    http: httpx.AsyncClient, admin: Caller, path: str
) -> None:
    issued = made(await admin.post(path, {"role": "editor"}))
    editor, devices = Caller(http, key_of(issued)), path.replace("api_keys", "devices")

    *answers, deleted = await asyncio.gather(
        *(editor.post(devices, {"name": f"d{number}"}) for number in range(8)), admin.delete(f"{path}/{issued['id']}")
    )

    assert deleted.status_code == 204
    assert {answer.status_code for answer in answers} <= {201, 401}
    stored = {device["name"] for device in read(await admin.get(devices))["items"]} - {"Test Device"}
    assert stored == {answer.json()["name"] for answer in answers if answer.status_code == 201}
    assert (await editor.post(devices, {"name": "late"})).status_code == 401


async def test_a_key_may_delete_itself(admin: Caller, path: str, demo: Demo) -> None:
    assert (await admin.delete(f"{path}/{demo.project_key[0]}")).status_code == 204
    assert (await admin.get(path)).status_code == 401


@pytest.mark.parametrize("owner", ["device", "other"])
async def test_a_key_that_is_not_the_projects_own_is_404(
    admin: Caller, path: str, demo: Demo, other: Demo, owner: str
) -> None:
    key_id = demo.device_key[0] if owner == "device" else other.project_key[0]

    assert refusal(await admin.delete(f"{path}/{key_id}")) == (404, "not_found")
    assert refusal(await admin.post(f"{path}/{key_id}/rotate", {})) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("/role", "missing")]),
        ({"role": "owner"}, [("/role", "unknown_value")]),
        ({"role": "viewer", "label": "a\u202eb"}, [("/label", "forbidden_characters")]),
        ({"role": "viewer", "label": "x" * 101}, [("/label", "too_long")]),
        ({"role": "viewer", "expires_at": "2026-06-01T12:00:00Z"}, [("/expires_at", "out_of_range")]),
        ({"role": "viewer", "expires_at": "soon"}, [("/expires_at", "malformed")]),
        ({"role": "viewer", "secret": "ftp_x"}, [("/secret", "unknown_field")]),
        ({"role": "viewer", "device_id": None}, [("/device_id", "unknown_field")]),
        ({"role": "viewer", "created_by": None}, [("/created_by", "unknown_field")]),
    ],
)
async def test_a_key_that_is_none_is_422_and_names_the_field(
    admin: Caller, path: str, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    assert wrong_fields(await admin.post(path, body)) == wrong
    assert len(read(await admin.get(path))["items"]) == 1


@pytest.mark.parametrize("overlap", [-1, 30 * 24 * 3600 + 1])
async def test_an_overlap_has_its_limits(admin: Caller, path: str, demo: Demo, overlap: int) -> None:
    answer = await admin.post(f"{path}/{demo.project_key[0]}/rotate", {"overlap_seconds": overlap})

    assert wrong_fields(answer) == [("/overlap_seconds", "out_of_range")]


async def test_pages_join_to_the_whole_list_in_order(admin: Caller, path: str) -> None:
    for number in range(5):
        made(await admin.post(path, {"role": "viewer", "label": str(number)}))
    whole = read(await admin.get(path))["items"]

    assert await all_pages(admin, path, page_size=2) == whole
    assert len(whole) == 6


async def test_the_last_use_is_kept_to_the_hour_and_written_apart_from_requests(
    server: Server, admin: Caller, path: str, clock: Clock
) -> None:
    async def last_use() -> Any:
        return read(await admin.get(path))["items"][0]["last_used_at"]

    assert await last_use() is None
    await server.services.authentication.key_use.flush()
    assert await last_use() == "2026-06-01T12:00:00.000000Z"

    clock.advance(minutes=59)
    await admin.get(path)
    await server.services.authentication.key_use.flush()
    assert await last_use() == "2026-06-01T12:00:00.000000Z"

    clock.advance(minutes=30)
    await admin.get(path)
    await server.services.authentication.key_use.flush()
    assert await last_use() == "2026-06-01T13:29:00.000000Z"
