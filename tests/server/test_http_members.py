"""Members and invitations over HTTP: who may come, what they may do, and a project never without an admin."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from tests.server.callers import (
    PASSWORD,
    Caller,
    all_pages,
    join,
    key_of,
    log_in,
    made,
    new_user,
    read,
    refusal,
    sign_up,
    wrong_fields,
)
from tests.server.conftest import Clock


@pytest.fixture
async def project(ada: Caller) -> str:
    """A project of Ada's."""
    return f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"


async def id_of(user: Caller) -> str:
    return read(await user.get("users/me"))["id"]


async def roles(caller: Caller, project: str) -> dict[str, str]:
    return {member["name"]: member["role"] for member in await all_pages(caller, f"{project}/members", page_size=1)}


async def test_an_accepted_invitation_makes_a_member_with_its_role(
    ada: Caller, bob: Caller, project: str, clock: Clock
) -> None:
    invitation = made(await ada.post(f"{project}/invitations", {"role": "editor"}))
    assert refusal(await bob.get(project)) == (404, "not_found")
    clock.advance(minutes=5)

    joined = read(await bob.post("invitations/accept", {"secret": invitation["secret"]}))

    assert (joined["name"], joined["role"]) == ("Pumps", "editor")
    made(await bob.post(f"{project}/devices", {"name": "Pump 1"}))
    assert read(await bob.get(f"{project}/members"))["items"] == [
        {
            "user_id": await id_of(ada),
            "name": "Ada",
            "email": "ada@example.com",
            "role": "admin",
            "joined_at": "2026-06-01T12:00:00.000000Z",
        },
        {
            "user_id": await id_of(bob),
            "name": "Bob",
            "email": "bob@example.com",
            "role": "editor",
            "joined_at": "2026-06-01T12:05:00.000000Z",
        },
    ]


async def test_an_invitation_shows_its_secret_once_and_can_be_part_of_a_link(
    ada: Caller, project: str, database_url: str
) -> None:
    issued = made(await ada.post(f"{project}/invitations", {"role": "viewer", "email": "eve@example.com"}))

    answer = await ada.get(f"{project}/invitations")

    secret = issued.pop("secret")
    assert secret.startswith("fti_")
    assert httpx.URL("https://x/").join(secret).path == f"/{secret}"
    assert issued.pop("is_sent") is False
    assert read(answer)["items"] == [issued]
    assert issued["expires_at"] == "2026-06-08T12:00:00.000000Z"
    with psycopg.connect(database_url) as conn:
        (row,) = conn.execute("select project_invitations::text from project_invitations").fetchall()
    assert secret[8:] not in answer.text + row[0]


async def test_an_invitation_is_accepted_once(ada: Caller, bob: Caller, project: str) -> None:
    eve = await new_user(ada.http, "eve@example.com", name="Eve")
    secret = {"secret": made(await ada.post(f"{project}/invitations", {"role": "viewer"}))["secret"]}

    answers = await asyncio.gather(bob.post("invitations/accept", secret), eve.post("invitations/accept", secret))

    assert sorted(answer.status_code for answer in answers) == [200, 404]
    assert len(await roles(ada, project)) == 2
    assert read(await ada.get(f"{project}/invitations"))["items"] == []


async def test_one_user_who_accepts_twice_at_once_is_one_member(ada: Caller, bob: Caller, project: str) -> None:
    secret = {"secret": made(await ada.post(f"{project}/invitations", {"role": "viewer"}))["secret"]}

    answers = await asyncio.gather(*(bob.post("invitations/accept", secret) for _ in range(3)))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert {*statuses[1:]} <= {404, 409}
    assert await roles(ada, project) == {"Ada": "admin", "Bob": "viewer"}


async def test_a_member_cannot_accept_another_invitation_which_stays_open(
    ada: Caller, bob: Caller, project: str
) -> None:
    await join(bob, ada, project, "viewer")
    secret = {"secret": made(await ada.post(f"{project}/invitations", {"role": "admin"}))["secret"]}

    assert refusal(await bob.post("invitations/accept", secret)) == (409, "conflict")

    assert (await roles(ada, project))["Bob"] == "viewer"
    assert len(read(await ada.get(f"{project}/invitations"))["items"]) == 1


async def test_who_signs_up_with_an_invitation_is_a_member(ada: Caller, project: str) -> None:
    secret = made(await ada.post(f"{project}/invitations", {"role": "editor"}))["secret"]

    await sign_up(ada.http, "eve@example.com", name="Eve", invitation=secret)

    assert await roles(await log_in(ada.http, "eve@example.com"), project) == {"Ada": "admin", "Eve": "editor"}


async def test_signing_up_with_an_invitation_and_a_known_address_uses_nothing_up(
    ada: Caller, bob: Caller, project: str
) -> None:
    secret = made(await ada.post(f"{project}/invitations", {"role": "editor"}))["secret"]

    await sign_up(ada.http, "Bob@example.com", name="Eve", invitation=secret)

    assert await roles(ada, project) == {"Ada": "admin"}
    read(await bob.post("invitations/accept", {"secret": secret}))


async def test_an_invitation_that_is_none_makes_no_user(ada: Caller, project: str) -> None:
    secret = made(await ada.post(f"{project}/invitations", {"role": "editor"}))["secret"]
    body = {"email": "eve@example.com", "name": "Eve", "password": PASSWORD}

    for wrong in (secret[:-1] + ("a" if secret[-1] != "a" else "b"), "fti_", "x", secret.upper()):
        assert refusal(await Caller(ada.http).post("users", body | {"invitation": wrong})) == (404, "not_found")

    login = {"grant_type": "password", "username": "eve@example.com", "password": PASSWORD}
    assert (await ada.http.post("/v1/oauth/token", data=login)).status_code == 400


async def test_a_revoked_and_an_expired_invitation_are_like_none(
    ada: Caller, bob: Caller, project: str, clock: Clock
) -> None:
    revoked = made(await ada.post(f"{project}/invitations", {"role": "viewer"}))
    expiring = made(await ada.post(f"{project}/invitations", {"role": "viewer", "expires_at": "2026-06-01T12:10:00Z"}))
    assert (await ada.delete(f"{project}/invitations/{revoked['id']}")).status_code == 204
    clock.advance(minutes=10)

    answers = [await bob.post("invitations/accept", {"secret": one["secret"]}) for one in (revoked, expiring)]

    assert [refusal(answer) for answer in answers] == [(404, "not_found")] * 2
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert refusal(await ada.delete(f"{project}/invitations/{revoked['id']}")) == (404, "not_found")


async def test_a_secret_of_another_kind_opens_nothing(ada: Caller, bob: Caller, project: str) -> None:
    key = made(await ada.post(f"{project}/api_keys", {"role": "admin"}))

    assert refusal(await bob.post("invitations/accept", {"secret": key["secret"]})) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("/role", "missing")),
        ({"role": "owner"}, ("/role", "unknown_value")),
        ({"role": "viewer", "expires_at": "2026-06-01T12:00:00Z"}, ("/expires_at", "out_of_range")),
        ({"role": "viewer", "email": "a@b\r\nBcc: c@d"}, ("/email", "forbidden_characters")),
        ({"role": "viewer", "secret": "fti_x"}, ("/secret", "unknown_field")),
        ({"role": "viewer", "project_id": "x"}, ("/project_id", "unknown_field")),
    ],
)
async def test_an_invitation_that_cannot_be_is_422(
    ada: Caller, project: str, body: dict[str, Any], wrong: tuple[str, str]
) -> None:
    assert wrong_fields(await ada.post(f"{project}/invitations", body)) == [wrong]


async def test_a_role_changes_what_a_member_may_do_at_the_next_request(ada: Caller, bob: Caller, project: str) -> None:
    await join(bob, ada, project, "viewer")
    assert refusal(await bob.post(f"{project}/devices", {"name": "x"})) == (403, "forbidden")

    changed = read(await ada.patch(f"{project}/members/{await id_of(bob)}", {"role": "editor"}))

    assert (changed["name"], changed["role"]) == ("Bob", "editor")
    made(await bob.post(f"{project}/devices", {"name": "x"}))


async def test_a_removed_member_knows_nothing_at_the_next_request(ada: Caller, bob: Caller, project: str) -> None:
    await join(bob, ada, project, "admin")
    device = made(await bob.post(f"{project}/devices", {"name": "x"}))

    assert (await ada.delete(f"{project}/members/{await id_of(bob)}")).status_code == 204

    for path in (project, f"{project}/devices", f"devices/{device['id']}"):
        assert refusal(await bob.get(path)) == (404, "not_found")


async def test_the_last_admin_can_neither_leave_nor_be_lowered_nor_removed(
    ada: Caller, bob: Caller, project: str
) -> None:
    await join(bob, ada, project, "editor")
    member = f"{project}/members/{await id_of(ada)}"

    answers = [
        await ada.bare_post(f"{project}/leave"),
        await ada.patch(member, {"role": "editor"}),
        await ada.delete(member),
    ]

    assert [refusal(answer) for answer in answers] == [(409, "conflict")] * 3
    assert await roles(bob, project) == {"Ada": "admin", "Bob": "editor"}
    read(await ada.patch(member, {"role": "admin"}))  # what she is already


async def test_a_key_of_the_project_does_not_count_as_an_admin(ada: Caller, project: str) -> None:
    key = Caller(ada.http, key_of(made(await ada.post(f"{project}/api_keys", {"role": "admin"}))))

    assert refusal(await key.delete(f"{project}/members/{await id_of(ada)}")) == (409, "conflict")
    assert refusal(await key.bare_post(f"{project}/leave")) == (403, "forbidden")


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
async def test_anyone_else_may_leave(ada: Caller, bob: Caller, project: str, role: str) -> None:
    await join(bob, ada, project, role)

    assert (await bob.bare_post(f"{project}/leave")).status_code == 204

    assert refusal(await bob.get(project)) == (404, "not_found")
    assert await roles(ada, project) == {"Ada": "admin"}


@pytest.mark.parametrize("how", ["lower", "remove", "leave"])
async def test_two_admins_at_once_leave_one_admin(ada: Caller, bob: Caller, project: str, how: str) -> None:
    await join(bob, ada, project, "admin")
    ids = [await id_of(bob), await id_of(ada)]

    def act(user: Caller, other_id: str) -> Any:
        match how:
            case "lower":
                return user.patch(f"{project}/members/{other_id}", {"role": "viewer"})
            case "remove":
                return user.delete(f"{project}/members/{other_id}")
            case _:
                return user.bare_post(f"{project}/leave")

    answers = await asyncio.gather(*(act(user, other) for user, other in zip((ada, bob), ids, strict=True)))

    assert sum(answer.is_success for answer in answers) == 1
    assert {answer.status_code for answer in answers if not answer.is_success} <= {403, 404, 409}
    remaining = ada if (await ada.get(project)).is_success and "admin" in (await roles(ada, project)).values() else bob
    assert [*(await roles(remaining, project)).values()].count("admin") == 1


@pytest.mark.parametrize("how", ["lowered", "removed", "left", "deleted"])
async def test_who_may_not_invite_any_more_leaves_no_invitation_behind(
    ada: Caller, bob: Caller, project: str, how: str
) -> None:
    await join(bob, ada, project, "admin")
    bob_id = await id_of(bob)
    back_door = made(await bob.post(f"{project}/invitations", {"role": "admin", "email": "x@example.com"}))
    kept = made(await ada.post(f"{project}/invitations", {"role": "viewer"}))
    ways = {
        "lowered": lambda: ada.patch(f"{project}/members/{bob_id}", {"role": "viewer"}),
        "removed": lambda: ada.delete(f"{project}/members/{bob_id}"),
        "left": lambda: bob.bare_post(f"{project}/leave"),
        "deleted": lambda: bob.delete("users/me"),
    }

    assert (await ways[how]()).is_success

    eve = await new_user(ada.http, "eve@example.com", name="Eve")
    assert refusal(await eve.post("invitations/accept", {"secret": back_door["secret"]})) == (404, "not_found")
    assert [one["id"] for one in read(await ada.get(f"{project}/invitations"))["items"]] == [kept["id"]]
    (event,) = read(await ada.get(f"{project}/audit_events", action="invitation.revoked"))["items"]
    assert (event["target_id"], event["target_name"]) == (back_door["id"], "x@example.com")


async def test_an_invitation_ends_with_the_key_that_made_it(ada: Caller, bob: Caller, project: str) -> None:
    key = made(await ada.post(f"{project}/api_keys", {"role": "admin"}))
    invitation = made(await Caller(ada.http, key_of(key)).post(f"{project}/invitations", {"role": "viewer"}))

    assert invitation["created_by"] == key["id"]
    assert (await ada.delete(f"{project}/api_keys/{key['id']}")).status_code == 204

    assert refusal(await bob.post("invitations/accept", {"secret": invitation["secret"]})) == (404, "not_found")


async def test_members_of_nobody_are_404(ada: Caller, bob: Caller, project: str) -> None:
    for user_id in (await id_of(bob), "00000000-0000-4000-8000-000000000000"):
        assert refusal(await ada.patch(f"{project}/members/{user_id}", {"role": "admin"})) == (404, "not_found")
        assert refusal(await ada.delete(f"{project}/members/{user_id}")) == (404, "not_found")


async def test_an_invitation_of_another_project_is_404(ada: Caller, bob: Caller, project: str) -> None:
    invitation = made(await ada.post(f"{project}/invitations", {"role": "viewer"}))
    bobs = f"projects/{made(await bob.post('projects', {'name': 'Valves'}))['id']}"

    assert refusal(await bob.delete(f"{bobs}/invitations/{invitation['id']}")) == (404, "not_found")
    assert len(read(await ada.get(f"{project}/invitations"))["items"]) == 1


async def test_what_happens_to_members_is_in_the_trail(ada: Caller, bob: Caller, project: str, clock: Clock) -> None:
    await join(bob, ada, project, "viewer")
    clock.advance(minutes=5)
    await ada.patch(f"{project}/members/{await id_of(bob)}", {"role": "editor"})
    clock.advance(minutes=5)
    await bob.bare_post(f"{project}/leave")

    events = [
        (event["action"], event["actor_name"], event["target_name"], event["details"])
        for event in read(await ada.get(f"{project}/audit_events"))["items"]
    ]

    assert events[:2] == [
        ("member.left", "Bob", "Bob", {"role": "editor"}),
        ("member.role_changed", "Ada", "Bob", {"role": "editor", "was": "viewer"}),
    ]
    assert sorted(event[0] for event in events[2:]) == ["invitation.created", "member.joined", "project.created"]
