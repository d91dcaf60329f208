"""Users over HTTP: signing up, changing and deleting oneself, and nobody learns who else is a user."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.auth.login_throttle import MAX_FAILURES_OF_A_KEY
from firmtrail_server.settings import Settings, SignUpMode
from tests.served import serving
from tests.server.callers import (
    PASSWORD,
    Caller,
    assert_login_refused,
    join,
    log_in,
    login,
    made,
    new_user,
    read,
    refusal,
    sign_up,
    wrong_fields,
)
from tests.server.conftest import Clock, Demo

ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}


def count_users(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        return conn.execute("select count(*) from users").fetchall()[0][0]


async def test_who_signs_up_can_log_in_and_read_oneself(http: httpx.AsyncClient) -> None:
    signed_up = await Caller(http).post("users", ADA)

    assert (signed_up.status_code, signed_up.json()) == (202, {"email": "ada@example.com", "must_confirm": False})
    me = read(await (await log_in(http, "ada@example.com")).get("users/me"))
    assert {key: value for key, value in me.items() if key != "id"} == {
        "email": "ada@example.com",
        "name": "Ada",
        "created_at": "2026-06-01T12:00:00.000000Z",
    }


async def test_signing_up_with_a_known_address_says_the_same_and_changes_nothing(
    http: httpx.AsyncClient, ada: Caller, database_url: str
) -> None:
    stranger = {"email": "ADA@Example.com", "name": "Eve", "password": "a password of Eve's"}

    known = await Caller(http).post("users", stranger)
    unknown = await Caller(http).post("users", stranger | {"email": "EVE@Example.com"})

    assert (known.status_code, known.json()) == (202, {"email": "ADA@Example.com", "must_confirm": False})
    assert (unknown.status_code, unknown.json()) == (202, {"email": "EVE@Example.com", "must_confirm": False})
    assert {*known.headers} == {*unknown.headers}
    assert count_users(database_url) == 2
    assert read(await ada.get("users/me"))["name"] == "Ada"
    assert_login_refused(await login(http, "ada@example.com", stranger["password"]))
    read(await login(http, "ada@example.com", PASSWORD))


async def test_of_five_sign_ups_with_one_address_at_once_one_counts(http: httpx.AsyncClient, database_url: str) -> None:
    answers = await asyncio.gather(
        *(Caller(http).post("users", ADA | {"email": email}) for email in ("a@b.c", "A@b.c", "a@B.c", "a@b.C", "A@B.C"))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert count_users(database_url) == 1


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.Com"])
async def test_an_address_is_the_same_in_any_case(http: httpx.AsyncClient, ada: Caller, email: str) -> None:
    read(await login(http, email, PASSWORD))


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "@example.com",
        "ada@",
        "ada@example..com",
        "ada@-example.com",
        "ada @example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com,eve@example.com",
        "<ada@example.com>",
        '"ada"@example.com',
        "ad\u0430@example.com",  # a Cyrillic letter
        "ada@example.co\u217f",  # a Roman numeral
        "ada@\u212aelvin.example",  # a sign that lowers to a k
        "\u0131@example.com",
        "x" * 251 + "@b.c",
        "",
    ],
)
async def test_an_address_that_is_none_is_422(http: httpx.AsyncClient, email: str, database_url: str) -> None:
    ((pointer, _),) = wrong_fields(await Caller(http).post("users", ADA | {"email": email}))

    assert pointer == "/email"
    assert count_users(database_url) == 0


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("x" * 7, "too_short"),
        ("\u00e9" * 3, "too_short"),
        ("x" * 73, "too_long"),
        ("\u00e9" * 37, "too_long"),
        ("a\x00bcdefghij", "forbidden_characters"),
        ("abcdefgh\n", "forbidden_characters"),
        (12345678, "wrong_type"),
        (None, "wrong_type"),
    ],
)
async def test_a_password_has_8_to_72_bytes(http: httpx.AsyncClient, password: Any, code: str) -> None:
    assert wrong_fields(await Caller(http).post("users", ADA | {"password": password})) == [("/password", code)]


@pytest.mark.parametrize("password", ["x" * 8, "x" * 72, "\u00e9" * 4, "\U0001f600" * 18, " " * 8])
async def test_a_password_at_the_limits_works(http: httpx.AsyncClient, password: str) -> None:
    await Caller(http).post("users", ADA | {"password": password})

    read(await login(http, "ada@example.com", password))
    assert_login_refused(await login(http, "ada@example.com", password[:-1] + "!"))


@pytest.mark.parametrize("field", ["id", "token_epoch", "role", "is_admin", "password_hash", "created_at"])
async def test_nothing_else_can_be_given_at_sign_up(http: httpx.AsyncClient, field: str, database_url: str) -> None:
    assert wrong_fields(await Caller(http).post("users", ADA | {field: 1})) == [(f"/{field}", "unknown_field")]
    assert count_users(database_url) == 0


async def test_signing_up_is_limited_where_it_comes_from(http: httpx.AsyncClient) -> None:
    def sign_up(number: int) -> Coroutine[Any, Any, httpx.Response]:
        return http.post("/v1/users", json={"email": f"u{number}@example.com", "name": "U", "password": PASSWORD})

    answers = await asyncio.gather(*map(sign_up, range(MAX_FAILURES_OF_A_KEY + 2)))

    assert sorted(answer.status_code for answer in answers) == [202] * MAX_FAILURES_OF_A_KEY + [429] * 2


async def test_a_name_can_be_changed_and_nothing_else(ada: Caller) -> None:
    before = read(await ada.get("users/me"))

    assert read(await ada.patch("users/me", {"name": "Ada Lovelace"})) == before | {"name": "Ada Lovelace"}
    assert read(await ada.patch("users/me", {})) == before | {"name": "Ada Lovelace"}
    for field in ("id", "email", "token_epoch", "password"):
        assert wrong_fields(await ada.patch("users/me", {field: "x"})) == [(f"/{field}", "unknown_field")]


async def test_a_deleted_user_is_gone_at_the_next_request(http: httpx.AsyncClient, ada: Caller) -> None:
    assert (await ada.delete("users/me")).status_code == 204

    assert refusal(await ada.get("users/me")) == (401, "unauthenticated")
    assert_login_refused(await login(http, "ada@example.com", PASSWORD))
    await sign_up(http, "ada@example.com", name="Another Ada")
    assert refusal(await ada.get("users/me")) == (401, "unauthenticated")  # nor is she the one of before


async def test_the_only_admin_of_a_project_cannot_be_deleted(http: httpx.AsyncClient, ada: Caller) -> None:
    project = made(await ada.post("projects", {"name": "Mine"}))
    bob = await new_user(http, "bob@example.com")
    await join(bob, ada, f"projects/{project['id']}", "viewer")

    refused = await ada.delete("users/me")

    assert refusal(refused) == (409, "conflict")
    assert project["id"] in refused.json()["detail"]
    read(await ada.get("users/me"))
    user_id = read(await bob.get("users/me"))["id"]
    read(await ada.patch(f"projects/{project['id']}/members/{user_id}", {"role": "admin"}))
    assert (await ada.delete("users/me")).status_code == 204
    assert [one["name"] for one in read(await bob.get(f"projects/{project['id']}/members"))["items"]] == ["Ada"]


async def test_the_admin_of_a_deleted_project_can_be_deleted(ada: Caller) -> None:
    project = made(await ada.post("projects", {"name": "Mine"}))
    await ada.delete(f"projects/{project['id']}", name="Mine")

    assert (await ada.delete("users/me")).status_code == 204


async def test_two_admins_who_delete_themselves_at_once_leave_one(http: httpx.AsyncClient, ada: Caller) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Ours'}))['id']}"
    bob = await new_user(http, "bob@example.com")
    await join(bob, ada, project, "admin")

    answers = await asyncio.gather(ada.delete("users/me"), bob.delete("users/me"))

    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_users_own_trail_is_for_that_user(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    clock.advance(minutes=1)
    await ada.patch("users/me", {"name": "Ada Lovelace"})
    bob = await new_user(http, "bob@example.com", name="Bob")

    events = read(await ada.get("users/me/audit_events"))["items"]

    assert [event["action"] for event in events] == ["user.changed", "user.signed_up"]
    assert events[0]["details"] == {"name": "Ada Lovelace"}
    assert {event["actor_kind"] for event in events} == {"user"}
    assert [event["actor_name"] for event in read(await bob.get("users/me/audit_events"))["items"]] == ["Bob"]
    assert PASSWORD not in str(events)


async def test_keys_are_no_users(http: httpx.AsyncClient, admin: Caller, demo: Demo) -> None:
    for caller in (admin, Caller(http, demo.device_key)):
        for answer in (
            await caller.get("users/me"),
            await caller.get("projects"),
            await caller.post("projects", {"name": "x"}),
            await caller.delete("users/me"),
        ):
            assert refusal(answer) == (403, "forbidden")


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [(SignUpMode.OPEN, [202, 202, 404]), (SignUpMode.INVITED, [403, 202, 404]), (SignUpMode.OFF, [403, 403, 403])],
)
async def test_the_operator_decides_who_may_sign_up(
    admin: Caller, demo: Demo, database_url: str, mode: SignUpMode, statuses: list[int]
) -> None:
    invitation = made(await admin.post(f"projects/{demo.project_id}/invitations", {"role": "viewer"}))
    settings = Settings(sign_up=mode, password_cost=4)
    async with (
        serving(create_app(settings, database_url, clock=Clock())) as server,
        httpx.AsyncClient(base_url=server.url) as strict,
    ):
        nobody = Caller(strict)
        answers = [
            await nobody.post("users", ADA),
            await nobody.post("users", ADA | {"email": "bob@b.c", "invitation": invitation["secret"]}),
            await nobody.post("users", ADA | {"email": "eve@b.c", "invitation": invitation["secret"]}),
        ]

    assert [answer.status_code for answer in answers] == statuses
