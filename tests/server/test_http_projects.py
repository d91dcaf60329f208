"""Projects over HTTP: made, listed, renamed and deleted, each with all that is in it."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from tests.served import Server
from tests.server.callers import Bearer, Caller, all_pages, join, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo


async def test_who_makes_a_project_is_its_admin(ada: Caller) -> None:
    project = made(await ada.post("projects", {"name": "Pumps"}))

    assert (project["name"], project["created_at"]) == ("Pumps", "2026-06-01T12:00:00.000000Z")
    assert read(await ada.get(f"projects/{project['id']}")) == project
    assert read(await ada.get("projects"))["items"] == [project | {"role": "admin"}]


async def test_projects_are_listed_by_name_and_only_ones_own(ada: Caller, bob: Caller) -> None:
    for name in ("C", "A", "B"):
        made(await ada.post("projects", {"name": name}))
    made(await bob.post("projects", {"name": "Bob's"}))
    await join(ada, bob, f"projects/{made(await bob.post('projects', {'name': 'A'}))['id']}", "viewer")

    whole = read(await ada.get("projects"))["items"]

    assert [project["name"] for project in whole] == ["A", "A", "B", "C"]
    assert await all_pages(ada, "projects", page_size=1) == whole


async def test_a_page_token_of_another_user_is_422(ada: Caller, bob: Caller) -> None:
    for name in ("A", "B"):
        made(await ada.post("projects", {"name": name}))
    token = read(await ada.get("projects", page_size=1))["next_page_token"]

    assert wrong_fields(await bob.get("projects", page_token=token)) == [("/page_token", "malformed")]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("/name", "missing")),
        ({"name": ""}, ("/name", "too_short")),
        ({"name": "x" * 101}, ("/name", "too_long")),
        ({"name": "a\r\nBcc: eve@example.com"}, ("/name", "forbidden_characters")),
        ({"name": "a", "id": "00000000-0000-4000-8000-000000000000"}, ("/id", "unknown_field")),
        ({"name": "a", "deleted_at": None}, ("/deleted_at", "unknown_field")),
    ],
)
async def test_a_project_that_is_none_is_422(ada: Caller, body: object, wrong: tuple[str, str]) -> None:
    assert wrong_fields(await ada.post("projects", body)) == [wrong]


async def test_a_renamed_project_has_its_new_name_everywhere(ada: Caller) -> None:
    project = made(await ada.post("projects", {"name": "Pumps"}))

    renamed = read(await ada.patch(f"projects/{project['id']}", {"name": "Valves"}))

    assert renamed == project | {"name": "Valves"}
    assert read(await ada.get("projects"))["items"][0]["name"] == "Valves"
    (event,) = read(await ada.get(f"projects/{project['id']}/audit_events", action="project.renamed"))["items"]
    assert (event["target_name"], event["details"]) == ("Pumps", {"name": "Valves"})


async def test_a_deletion_needs_the_exact_name(ada: Caller) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"

    assert wrong_fields(await ada.delete(project)) == [("/name", "missing")]
    assert refusal(await ada.delete(project, name="pumps")) == (409, "conflict")
    read(await ada.get(project))


async def test_a_deleted_project_is_gone_at_once_for_everyone_and_then_from_the_tables(
    server: Server, ada: Caller, bob: Caller, clock: Clock, database_url: str
) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"
    await join(bob, ada, project, "admin")
    key = Caller(ada.http, key_of(made(await ada.post(f"{project}/api_keys", {"role": "admin"}))))
    device = made(await key.post(f"{project}/devices", {"name": "Pump 1"}))
    device_key = Caller(ada.http, key_of(made(await key.post(f"devices/{device['id']}/api_keys", {}))))
    for version in ("1.0", "1.1"):
        made(await device_key.post(f"devices/{device['id']}/firmware_version", {"version": version}))
    open_invitation = made(await ada.post(f"{project}/invitations", {"role": "viewer"}))

    assert (await ada.delete(project, name="Pumps")).status_code == 204

    for user in (ada, bob):
        assert refusal(await user.get(project)) == (404, "not_found")
        assert refusal(await user.get(f"devices/{device['id']}")) == (404, "not_found")
        assert read(await user.get("projects"))["items"] == []
    assert (await key.get(project)).status_code == 401
    assert refusal(await bob.post("invitations/accept", {"secret": open_invitation["secret"]})) == (404, "not_found")
    assert (await device_key.post(f"devices/{device['id']}/firmware_version", {"version": "1"})).status_code == 401
    await server.services.sweeper.sweep(clock.moment)
    await server.services.sweeper.sweep(clock.advance(minutes=2))
    with psycopg.connect(database_url) as conn:
        counted = conn.execute(
            "select (select count(*) from projects), (select count(*) from devices), (select count(*) from api_keys),"
            " (select count(*) from device_firmware), (select count(*) from device_firmware_periods),"
            " (select count(*) from project_members), (select count(*) from project_invitations)"
        ).fetchone()
    assert counted == (0,) * 7


async def test_the_trail_of_a_deleted_project_stays_for_the_operator(ada: Caller, database_url: str) -> None:
    project = made(await ada.post("projects", {"name": "Pumps"}))
    await ada.delete(f"projects/{project['id']}", name="Pumps")

    with psycopg.connect(database_url) as conn:
        rows = conn.execute(
            "select action, actor_name from audit_events where project_id = %s order by action", [project["id"]]
        ).fetchall()
    assert rows == [("project.created", "Ada"), ("project.deleted", "Ada")]


async def test_a_key_reads_its_project(admin: Caller, demo: Demo, other: Demo) -> None:
    assert read(await admin.get(f"projects/{demo.project_id}"))["name"] == "Test Project"
    assert refusal(await admin.get(f"projects/{other.project_id}")) == (404, "not_found")


async def test_a_key_of_a_project_names_itself_and_its_project(admin: Caller, demo: Demo) -> None:
    project = read(await admin.get(f"projects/{demo.project_id}"))

    assert read(await admin.get("projects/current")) == {
        **project,
        "api_key_id": demo.project_key[0],
        "role": "admin",
        "device_id": None,
    }


async def test_a_token_of_a_key_has_its_project(http: httpx.AsyncClient, admin: Caller, demo: Demo) -> None:
    granted = await http.post(
        "/v1/oauth/token",
        data={"grant_type": "client_credentials", "scope": "devices:read own_key:read"},
        auth=demo.project_key,
    )
    token = Caller(http, Bearer(read(granted)["access_token"]))

    assert read(await token.get("projects/current")) == read(await admin.get("projects/current"))
    assert len(read(await token.get("projects/current/devices"))["items"]) == 1
    assert refusal(await token.get("projects/current/members")) == (403, "forbidden")


async def test_a_device_and_an_enrollment_key_name_their_project(
    http: httpx.AsyncClient, admin: Caller, demo: Demo
) -> None:
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 1}
    enrollment_key = made(await admin.post("projects/current/enrollment_keys", terms))

    device = read(await Caller(http, demo.device_key).get("projects/current"))
    enrollment = read(await Caller(http, key_of(enrollment_key)).get("projects/current"))

    assert (device["id"], device["role"], device["device_id"]) == (demo.project_id, None, demo.device_id)
    assert (enrollment["id"], enrollment["role"], enrollment["device_id"]) == (demo.project_id, None, None)
    assert refusal(await Caller(http, demo.device_key).get("projects/current/devices")) == (403, "forbidden")


async def test_current_is_never_the_project_of_another_key(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, other: Demo
) -> None:
    made(await admin.post("projects/current/devices", {"name": "ours"}))
    stranger = Caller(http, other.project_key)

    theirs = read(await stranger.get("projects/current/devices"))["items"]

    assert read(await stranger.get("projects/current"))["id"] == other.project_id
    assert [device["id"] for device in theirs] == [other.device_id]


async def test_current_stands_for_the_project_in_every_path(admin: Caller, demo: Demo) -> None:
    device = made(await admin.post("projects/current/devices", {"name": "new"}))
    table = await admin.upload("projects/current/devices/import", "name\nnewer\n", "text/csv")
    renamed = read(await admin.patch("projects/current", {"name": "Valves"}))
    whole = read(await admin.get("projects/current/devices"))["items"]

    assert (device["project_id"], renamed["id"]) == (demo.project_id, demo.project_id)
    assert read(table)["created_count"] == 1
    assert await all_pages(admin, "projects/current/devices", page_size=1) == whole
    assert await all_pages(admin, f"projects/{demo.project_id}/devices", page_size=1) == whole


@pytest.mark.parametrize("path", ["projects/current", "projects/current/devices", "projects/current/audit_events"])
async def test_a_user_is_told_to_name_a_project(ada: Caller, path: str) -> None:
    made(await ada.post("projects", {"name": "Pumps"}))

    refused = await ada.get(path)

    assert refusal(refused) == (403, "forbidden")
    assert "Name the project" in refused.json()["detail"]


async def test_a_key_that_has_ended_has_no_project(http: httpx.AsyncClient, admin: Caller, demo: Demo) -> None:
    key = made(await admin.post("projects/current/api_keys", {"role": "viewer"}))
    ended = Caller(http, key_of(key))
    read(await ended.get("projects/current"))

    assert (await admin.delete(f"projects/current/api_keys/{key['id']}")).status_code == 204

    assert (await ended.get("projects/current")).status_code == 401
    assert (await ended.get("projects/current/devices")).status_code == 401
