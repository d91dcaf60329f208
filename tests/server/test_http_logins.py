"""Logging in over HTTP: passwords, their limits and their change, and what the token that one gets may do."""

from __future__ import annotations

import asyncio

import bcrypt
import httpx
import psycopg
import pytest

from firmtrail_server.auth.credentials import PASSWORD_COST
from firmtrail_server.auth.login_throttle import MAX_FAILURES_OF_A_KEY
from firmtrail_server.settings import Settings
from tests.server.callers import (
    PASSWORD,
    Bearer,
    Caller,
    assert_login_refused,
    log_in,
    login,
    made,
    read,
    refusal,
)
from tests.server.conftest import Demo

ENROLLMENT = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 1}


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


@pytest.mark.parametrize("missing", ["username", "password"])
async def test_a_login_without_its_half_is_refused(http: httpx.AsyncClient, missing: str) -> None:
    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    del form[missing]

    assert_login_refused(await http.post("/v1/oauth/token", data=form))


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


@pytest.mark.parametrize("scope", ["keys:write", "keys:write device_keys:rotate", "device_keys:rotate devices:read"])
async def test_a_token_makes_no_key_that_may_do_more(http: httpx.AsyncClient, ada: Caller, scope: str) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Mine'}))['id']}"
    device = f"devices/{made(await ada.post(f'{project}/devices', {'name': 'Pump'}))['id']}"
    key = made(await ada.post(f"{device}/api_keys", {}))
    narrow = Caller(http, Bearer(read(await login(http, "ada@example.com", PASSWORD, scope=scope))["access_token"]))

    answers = [
        await narrow.post(f"{project}/enrollment_keys", ENROLLMENT),
        await narrow.post(f"{device}/api_keys", {}),
        await narrow.post(f"{device}/api_keys/{key['id']}/rotate", {}),
    ]

    assert [refusal(answer) for answer in answers] == [(403, "forbidden")] * 3
    assert [one["id"] for one in read(await ada.get(f"{device}/api_keys"))["items"]] == [key["id"]]
    assert read(await ada.get(f"{project}/enrollment_keys"))["items"] == []


async def test_who_registers_devices_and_makes_keys_may_make_those_of_devices(
    http: httpx.AsyncClient, ada: Caller
) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Mine'}))['id']}"
    device = f"devices/{made(await ada.post(f'{project}/devices', {'name': 'Pump'}))['id']}"
    grant = read(await login(http, "ada@example.com", PASSWORD, scope="keys:write devices:write"))
    narrow = Caller(http, Bearer(grant["access_token"]))

    made(await narrow.post(f"{project}/enrollment_keys", ENROLLMENT))
    made(await narrow.post(f"{device}/api_keys", {}))


async def test_a_device_token_without_reporting_rotates_no_key(http: httpx.AsyncClient, demo: Demo) -> None:
    form = {"grant_type": "client_credentials", "scope": "device_keys:rotate"}
    token = read(await http.post("/v1/oauth/token", data=form, auth=demo.device_key))["access_token"]
    path = f"devices/{demo.device_id}/api_keys/{demo.device_key[0]}/rotate"

    assert refusal(await Caller(http, Bearer(token)).post(path, {})) == (403, "forbidden")
    made(await Caller(http, demo.device_key).post(path, {}))


async def test_a_scope_that_users_never_have_is_not_granted(http: httpx.AsyncClient, ada: Caller) -> None:
    answer = await login(http, "ada@example.com", PASSWORD, scope="firmware:report")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


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
