"""Users over HTTP: signing up, logging in, changing and deleting oneself, and nobody learns who else is a user."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import bcrypt
import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.credentials import PASSWORD_COST
from firmtrail_server.failures import MAX_FAILURES_OF_A_KEY
from firmtrail_server.settings import Settings, SignUpMode
from tests.served import serving
from tests.server.callers import (
    PASSWORD,
    Bearer,
    Caller,
    join,
    log_in,
    made,
    new_user,
    read,
    refusal,
    sign_up,
    wrong_fields,
)
from tests.server.conftest import Clock, Demo

ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
TOKEN = "/v1/oauth/token"


@pytest.fixture
async def ada(http: httpx.AsyncClient) -> Caller:
    return await new_user(http, "ada@example.com")


async def login(http: httpx.AsyncClient, email: str, password: str, **more: str) -> httpx.Response:
    return await http.post(TOKEN, data={"grant_type": "password", "username": email, "password": password, **more})


def assert_login_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text


def count_users(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        return conn.execute("select count(*) from users").fetchall()[0][0]


async def test_who_signs_up_can_log_in_and_read_oneself(http: httpx.AsyncClient) -> None:
    signed_up = await Caller(http).post("users", ADA)

    assert (signed_up.status_code, signed_up.json()) == (202, {"email": "ada@example.com"})
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

    assert (known.status_code, known.json()) == (202, {"email": "ADA@Example.com"})
    assert (unknown.status_code, unknown.json()) == (202, {"email": "EVE@Example.com"})
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


async def test_an_unknown_address_and_a_wrong_password_are_refused_alike(http: httpx.AsyncClient, ada: Caller) -> None:
    wrong = await login(http, "ada@example.com", "a wrong password")
    unknown = await login(http, "eve@example.com", "a wrong password")

    assert_login_refused(wrong)
    assert wrong.json() == unknown.json()


async def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(
    http: httpx.AsyncClient, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[bytes] = []
    check = bcrypt.checkpw

    def checkpw(password: bytes, hashed_password: bytes) -> bool:
        costs.append(hashed_password[:7])
        return check(password, hashed_password)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    for email in ("ada@example.com", "eve@example.com"):
        assert_login_refused(await login(http, email, "a wrong password"))

    assert costs == [b"$2b$04$", b"$2b$04$"]


def test_passwords_are_hashed_at_cost_12() -> None:
    assert (PASSWORD_COST, Settings().password_cost) == (12, 12)


async def test_only_a_hash_of_the_password_is_stored(ada: Caller, database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        ((stored, row),) = conn.execute("select password_hash, users::text from users").fetchall()

    assert bcrypt.checkpw(PASSWORD.encode(), stored)
    assert PASSWORD not in row


async def test_guessing_a_password_is_limited(http: httpx.AsyncClient, ada: Caller) -> None:
    for number in range(MAX_FAILURES_OF_A_KEY):
        email = "ada@example.com" if number % 2 else "ADA@example.com"  # the case is no way round it
        assert_login_refused(await login(http, email, "a wrong password"))

    assert (await login(http, "ada@example.com", PASSWORD)).status_code == 429
    read(await ada.get("users/me"))  # who is logged in stays so


async def test_signing_up_is_limited_where_it_comes_from(http: httpx.AsyncClient) -> None:
    def sign_up(number: int) -> Coroutine[Any, Any, httpx.Response]:
        return http.post("/v1/users", json={"email": f"u{number}@example.com", "name": "U", "password": PASSWORD})

    answers = await asyncio.gather(*map(sign_up, range(MAX_FAILURES_OF_A_KEY + 2)))

    assert sorted(answer.status_code for answer in answers) == [202] * MAX_FAILURES_OF_A_KEY + [429] * 2


@pytest.mark.parametrize("missing", ["username", "password"])
async def test_a_login_without_its_half_is_refused(http: httpx.AsyncClient, missing: str) -> None:
    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    del form[missing]

    assert_login_refused(await http.post(TOKEN, data=form))


async def test_a_token_may_have_fewer_scopes(http: httpx.AsyncClient, ada: Caller) -> None:
    project = made(await ada.post("projects", {"name": "Mine"}))
    grant = read(await login(http, "ada@example.com", PASSWORD, scope="project:read"))
    reader = Caller(http, Bearer(grant["access_token"]))

    assert grant["scope"] == "project:read"
    read(await reader.get(f"projects/{project['id']}"))
    assert refusal(await reader.patch(f"projects/{project['id']}", {"name": "x"})) == (403, "forbidden")
    assert refusal(await reader.get("users/me")) == (403, "forbidden")


async def test_a_token_gives_no_more_than_it_has(http: httpx.AsyncClient, ada: Caller) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Mine'}))['id']}"
    key = made(await ada.post(f"{project}/api_keys", {"role": "editor"}))
    user_id = read(await ada.get("users/me"))["id"]
    grant = read(await login(http, "ada@example.com", PASSWORD, scope="keys:write members:write"))
    narrow = Caller(http, Bearer(grant["access_token"]))

    answers = [
        await narrow.post(f"{project}/api_keys", {"role": "viewer"}),
        await narrow.post(f"{project}/api_keys/{key['id']}/rotate", {}),
        await narrow.post(f"{project}/invitations", {"role": "viewer"}),
        await narrow.patch(f"{project}/members/{user_id}", {"role": "admin"}),
    ]

    assert [refusal(answer) for answer in answers] == [(403, "forbidden")] * 4
    assert (await narrow.delete(f"{project}/api_keys/{key['id']}")).status_code == 204


async def test_a_scope_that_users_never_have_is_not_granted(http: httpx.AsyncClient, ada: Caller) -> None:
    answer = await login(http, "ada@example.com", PASSWORD, scope="firmware:report")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_name_can_be_changed_and_nothing_else(ada: Caller) -> None:
    before = read(await ada.get("users/me"))

    assert read(await ada.patch("users/me", {"name": "Ada Lovelace"})) == before | {"name": "Ada Lovelace"}
    assert read(await ada.patch("users/me", {})) == before | {"name": "Ada Lovelace"}
    for field in ("id", "email", "token_epoch", "password"):
        assert wrong_fields(await ada.patch("users/me", {field: "x"})) == [(f"/{field}", "unknown_field")]


async def test_a_new_password_ends_other_tokens_and_its_answer_is_a_new_one(
    http: httpx.AsyncClient, ada: Caller
) -> None:
    elsewhere = await log_in(http, "ada@example.com")
    read(await elsewhere.get("users/me"))

    change = {"current_password": PASSWORD, "new_password": "another password"}
    token = read(await ada.put("users/me/password", change))["access_token"]

    for old in (ada, elsewhere):
        assert refusal(await old.get("users/me")) == (401, "unauthenticated")
    read(await Caller(http, Bearer(token)).get("users/me"))
    assert_login_refused(await login(http, "ada@example.com", PASSWORD))
    read(await login(http, "ada@example.com", "another password"))


async def test_a_new_password_needs_the_current_one(http: httpx.AsyncClient, ada: Caller) -> None:
    change = {"current_password": "a wrong password", "new_password": "another password"}

    for _ in range(MAX_FAILURES_OF_A_KEY):
        assert refusal(await ada.put("users/me/password", change)) == (403, "forbidden")
    assert (await ada.put("users/me/password", change)).status_code == 429

    read(await login(http, "ada@example.com", PASSWORD))


async def test_of_two_new_passwords_at_once_one_counts(http: httpx.AsyncClient, ada: Caller) -> None:
    passwords = ["the first password", "the other password"]

    answers = await asyncio.gather(
        *(ada.put("users/me/password", {"current_password": PASSWORD, "new_password": one}) for one in passwords)
    )

    assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 401])
    working = [(await login(http, "ada@example.com", one)).is_success for one in passwords]
    assert working == [answer.is_success for answer in answers]


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
