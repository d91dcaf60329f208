"""Sessions over HTTP: refresh tokens, their reuse, the end of a session, and what a session lets others see."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.auth.signing_keys import SigningKeys, new_signing_keys
from firmtrail_server.services.sessions import GRACE, MAX_SESSIONS
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.callers import (
    PASSWORD,
    Bearer,
    Caller,
    all_pages,
    assert_login_refused,
    login,
    new_user,
    read,
    refusal,
    sign_up,
)
from tests.server.conftest import Clock

ADA = "ada@example.com"


async def begin(http: httpx.AsyncClient, **more: str) -> Any:
    """Log Ada in for weeks."""
    return read(await login(http, ADA, PASSWORD, **({"scope": "offline_access"} | more)))


async def refresh(http: httpx.AsyncClient, token: str, **more: str) -> httpx.Response:
    return await http.post("/v1/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token, **more})


async def revoke(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/oauth/revoke", data={"token": token})


def as_user(http: httpx.AsyncClient, granted: Any) -> Caller:
    return Caller(http, Bearer(granted["access_token"]))


async def sessions_of(user: Caller) -> list[Any]:
    return await all_pages(user, "users/me/sessions")


async def test_a_login_left_alone_for_a_week_goes_on(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    granted = await begin(http)
    clock.advance(days=7)
    assert refusal(await as_user(http, granted).get("users/me")) == (401, "unauthenticated")

    renewed = read(await refresh(http, granted["refresh_token"]))

    assert read(await as_user(http, renewed).get("users/me"))["email"] == ADA
    assert renewed["refresh_token"] != granted["refresh_token"]
    assert renewed["scope"] == granted["scope"]


async def test_a_login_without_offline_access_begins_no_session(http: httpx.AsyncClient, ada: Caller) -> None:
    granted = read(await login(http, ADA, PASSWORD))

    assert "refresh_token" not in granted
    assert await sessions_of(ada) == []


async def test_a_session_ends_when_it_is_idle_for_too_long(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    token = (await begin(http))["refresh_token"]
    clock.advance(days=29, hours=23)
    token = read(await refresh(http, token))["refresh_token"]
    clock.advance(days=30)

    assert_login_refused(await refresh(http, token))


async def test_a_session_ends_after_its_longest_life_however_used(
    http: httpx.AsyncClient, ada: Caller, clock: Clock
) -> None:
    token = (await begin(http))["refresh_token"]
    for _ in range(4):
        clock.advance(days=22)
        token = read(await refresh(http, token))["refresh_token"]
    clock.advance(days=2)

    assert_login_refused(await refresh(http, token))


async def test_a_refresh_token_used_again_ends_the_session(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    first = await begin(http)
    second = read(await refresh(http, first["refresh_token"]))
    clock.moment += GRACE

    assert_login_refused(await refresh(http, first["refresh_token"]))

    assert_login_refused(await refresh(http, second["refresh_token"]))
    assert refusal(await as_user(http, second).get("users/me")) == (401, "unauthenticated")
    ada = as_user(http, await begin(http))
    (event,) = read(await ada.get("users/me/audit_events", action="session.ended"))["items"]
    assert "old refresh token" in event["details"]["reason"]


async def test_any_older_refresh_token_ends_the_session(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    first = (await begin(http))["refresh_token"]
    latest = first
    for _ in range(3):
        latest = read(await refresh(http, latest))["refresh_token"]

    assert_login_refused(await refresh(http, first))

    assert_login_refused(await refresh(http, latest))


async def test_a_lost_answer_is_given_again_within_the_grace(
    http: httpx.AsyncClient, ada: Caller, clock: Clock
) -> None:
    first = (await begin(http))["refresh_token"]
    clock.advance(days=3)
    lost = read(await refresh(http, first))
    clock.advance(seconds=GRACE.total_seconds() - 1)

    again = read(await refresh(http, first))

    assert again["refresh_token"] == lost["refresh_token"]
    read(await refresh(http, again["refresh_token"]))


async def test_ten_uses_of_one_refresh_token_at_once_get_one_successor(http: httpx.AsyncClient, ada: Caller) -> None:
    token = (await begin(http))["refresh_token"]

    answers = await asyncio.gather(*(refresh(http, token) for _ in range(10)))

    (successor,) = {read(answer)["refresh_token"] for answer in answers}
    read(await refresh(http, successor))


async def test_a_changed_password_ends_every_session(http: httpx.AsyncClient, ada: Caller) -> None:
    other, own = await begin(http), await begin(http)
    change = {"current_password": PASSWORD, "new_password": "another long password"}

    renewed = read(await as_user(http, own).put("users/me/password", change))

    for ended in (other, own):
        assert_login_refused(await refresh(http, ended["refresh_token"]))
        assert refusal(await as_user(http, ended).get("users/me")) == (401, "unauthenticated")
    (session,) = await sessions_of(as_user(http, renewed))
    assert session["is_current"] is True
    read(await refresh(http, renewed["refresh_token"]))


async def test_a_password_changed_outside_a_session_begins_none(http: httpx.AsyncClient, ada: Caller) -> None:
    change = {"current_password": PASSWORD, "new_password": "another long password"}

    renewed = read(await ada.put("users/me/password", change))

    assert "refresh_token" not in renewed
    assert await sessions_of(as_user(http, renewed)) == []


async def test_sessions_are_listed_and_ended_one_by_one(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    http.headers["User-Agent"] = "firmtrail/1.0"
    phone = await begin(http)
    clock.advance(hours=1)
    http.headers["User-Agent"] = "another"
    laptop = as_user(http, await begin(http))

    listed = await sessions_of(laptop)

    assert [(one["client"], one["address"], one["is_current"]) for one in listed] == [
        ("firmtrail/1.0", "127.0.0.1", False),
        ("another", "127.0.0.1", True),
    ]
    assert (listed[0]["created_at"], listed[0]["expires_at"]) == (
        "2026-06-01T12:00:00.000000Z",
        "2026-07-01T12:00:00.000000Z",
    )
    assert (await laptop.delete(f"users/me/sessions/{listed[0]['id']}")).status_code == 204
    assert refusal(await as_user(http, phone).get("users/me")) == (401, "unauthenticated")
    assert_login_refused(await refresh(http, phone["refresh_token"]))
    assert [one["client"] for one in await sessions_of(laptop)] == ["another"]
    assert refusal(await laptop.delete(f"users/me/sessions/{listed[0]['id']}")) == (404, "not_found")


async def test_a_session_may_end_itself(http: httpx.AsyncClient, ada: Caller) -> None:
    user = as_user(http, await begin(http))
    (session,) = await sessions_of(user)

    assert (await user.delete(f"users/me/sessions/{session['id']}")).status_code == 204

    assert refusal(await user.get("users/me")) == (401, "unauthenticated")


async def test_nobody_ends_or_sees_the_session_of_another(http: httpx.AsyncClient, ada: Caller, bob: Caller) -> None:
    granted = await begin(http)
    (session,) = await sessions_of(ada)

    assert await sessions_of(bob) == []
    assert refusal(await bob.delete(f"users/me/sessions/{session['id']}")) == (404, "not_found")
    read(await refresh(http, granted["refresh_token"]))


@pytest.mark.parametrize("agent", ["x" * 4000, "caf\u00e9 \u202e\u2028 <b>"])
async def test_a_clients_name_is_cut_and_visible(http: httpx.AsyncClient, ada: Caller, agent: str) -> None:
    http.headers = [(b"User-Agent", agent.encode())]

    granted = await begin(http)

    (session,) = await sessions_of(as_user(http, granted))
    assert 0 < len(session["client"]) <= 200
    assert session["client"].isprintable()


async def test_a_clients_name_of_which_nothing_is_seen_is_none(http: httpx.AsyncClient, ada: Caller) -> None:
    http.headers = [(b"User-Agent", "\u3164 \U000e0041".encode())]

    granted = await begin(http)

    (session,) = await sessions_of(as_user(http, granted))
    assert session["client"] == ""


async def test_a_revoked_refresh_token_ends_its_session(http: httpx.AsyncClient, ada: Caller) -> None:
    granted = await begin(http)

    read(await revoke(http, granted["refresh_token"]))

    assert_login_refused(await refresh(http, granted["refresh_token"]))
    assert refusal(await as_user(http, granted).get("users/me")) == (401, "unauthenticated")


async def test_what_is_no_token_of_a_session_is_revoked_alike(http: httpx.AsyncClient, ada: Caller) -> None:
    granted = await begin(http)
    await revoke(http, granted["refresh_token"])

    answers = [await revoke(http, token) for token in (granted["refresh_token"], "x", "ftr_" + "0" * 81)]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"{}")}


def damaged(token: str) -> list[str]:
    beside = [token.replace("ftr_", "fti_"), "ftr_" + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 81, "x"]
    return [token[:-1], token + "0", token[:40] + "!" + token[41:], *beside]


async def test_a_damaged_refresh_token_is_refused_and_ends_nothing(http: httpx.AsyncClient, ada: Caller) -> None:
    token = (await begin(http))["refresh_token"]

    for wrong in damaged(token):
        assert_login_refused(await refresh(http, wrong))

    read(await refresh(http, token))


async def test_a_session_has_no_more_scopes_than_its_login_asked_for(http: httpx.AsyncClient, ada: Caller) -> None:
    granted = await begin(http, scope="offline_access devices:read self")
    assert granted["scope"] == "devices:read self"

    renewed = read(await refresh(http, granted["refresh_token"]))
    narrower = read(await refresh(http, renewed["refresh_token"], scope="self"))
    wider = await refresh(http, narrower["refresh_token"], scope="devices:write")

    assert (renewed["scope"], narrower["scope"]) == ("devices:read self", "self")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")


async def test_a_key_gets_no_refresh_token(http: httpx.AsyncClient, demo: Any) -> None:
    form = {"grant_type": "client_credentials", "scope": "offline_access"}

    answer = await http.post("/v1/oauth/token", data=form, auth=demo.project_key)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_of_too_many_sessions_the_longest_unused_ends(http: httpx.AsyncClient, ada: Caller, clock: Clock) -> None:
    used, unused = await begin(http), await begin(http)
    for _ in range(MAX_SESSIONS - 2):
        clock.advance(seconds=1)
        await begin(http)
    read(await refresh(http, used["refresh_token"]))

    latest = await begin(http)

    assert_login_refused(await refresh(http, unused["refresh_token"]))
    assert len(await sessions_of(as_user(http, latest))) == MAX_SESSIONS


async def test_only_digests_of_refresh_tokens_are_stored(
    http: httpx.AsyncClient, ada: Caller, database_url: str
) -> None:
    tokens = [(await begin(http))["refresh_token"]]
    tokens.append(read(await refresh(http, tokens[0]))["refresh_token"])

    with psycopg.connect(database_url) as conn:
        ((row,),) = conn.execute("select user_sessions::text from user_sessions").fetchall()

    assert not any(token[36:79] in row for token in tokens)


async def test_a_deleted_user_has_no_session(http: httpx.AsyncClient, ada: Caller) -> None:
    granted = await begin(http)

    assert (await as_user(http, granted).delete("users/me")).status_code == 204

    assert_login_refused(await refresh(http, granted["refresh_token"]))


async def test_a_session_outlives_the_replacement_of_a_signing_key(database_url: str, clock: Clock) -> None:
    before = new_signing_keys()
    both = before.with_new_key()
    token = ""
    for keys in (before, both, SigningKeys({both.signing_id: both.by_id[both.signing_id]})):
        settings = Settings(password_cost=4, signing_keys=keys, public_url="https://firmtrail.example.com")
        async with (
            serving(create_app(settings, database_url, clock=clock)) as server,
            httpx.AsyncClient(base_url=server.url) as http,
        ):
            if not token:
                await sign_up(http, ADA)
                token = (await begin(http))["refresh_token"]
            token = read(await refresh(http, token))["refresh_token"]


async def test_a_login_with_a_password_changed_meanwhile_begins_no_session(
    http: httpx.AsyncClient, database_url: str
) -> None:
    await new_user(http, ADA)
    logins = [login(http, ADA, PASSWORD, scope="offline_access") for _ in range(3)]
    ada = as_user(http, await begin(http))

    change = {"current_password": PASSWORD, "new_password": "another long password"}
    changed, *answers = await asyncio.gather(ada.put("users/me/password", change), *logins)

    read(changed)
    begun = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
    assert [(await refresh(http, token)).status_code for token in begun] == [400] * len(begun)
