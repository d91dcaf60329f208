"""Addresses confirmed by e-mail and forgotten passwords, through a real SMTP server; nobody learns who is a user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail_server.auth.login_throttle import MAX_FAILURES_OF_A_KEY
from firmtrail_server.services.account_mail import CONFIRMATION_LIFE, MAX_MAILS, RESET_LIFE
from firmtrail_server.services.mail import read_smtp
from firmtrail_server.settings import Settings
from tests.served import Server
from tests.server.callers import (
    PASSWORD,
    Caller,
    assert_login_refused,
    log_in,
    login,
    made,
    read,
    refusal,
    sign_up,
)
from tests.server.conftest import Clock
from tests.server.mailbox import Mailbox, code_in, confirmed_user, smtp_server

ADA = "ada@example.com"
NEW_PASSWORD = "another long password"


@pytest.fixture
async def mailbox() -> AsyncGenerator[Mailbox]:
    async with smtp_server() as mailbox:
        yield mailbox


@pytest.fixture
def settings(mailbox: Mailbox) -> Settings:
    smtp = read_smtp(f"smtp://127.0.0.1:{mailbox.port}", "firmtrail@example.com")
    return Settings(seed_enabled=True, password_cost=4, smtp=smtp, public_url="https://firmtrail.example.com")


@pytest.fixture
async def ada(http: httpx.AsyncClient, mailbox: Mailbox) -> Caller:
    return await confirmed_user(http, mailbox, ADA)


async def confirm(http: httpx.AsyncClient, code: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/v1/users/confirm", json={"code": code, "password": password})


async def forget(http: httpx.AsyncClient, email: str = ADA) -> httpx.Response:
    return await http.post("/v1/password_resets", json={"email": email})


async def reset(http: httpx.AsyncClient, code: str, password: str = NEW_PASSWORD) -> httpx.Response:
    return await http.post("/v1/password_resets/complete", json={"code": code, "new_password": password})


async def test_an_address_counts_when_it_is_confirmed(http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    said = await http.post("/v1/users", json={"email": ADA, "name": "Ada", "password": PASSWORD})
    assert (said.status_code, said.json()) == (202, {"email": ADA, "must_confirm": True})
    code = code_in((await mailbox.wait_for(1))[0])
    assert_login_refused(await login(http, ADA, PASSWORD))

    user = made(await confirm(http, code))

    assert (user["email"], mailbox.recipients) == (ADA, [ADA])
    assert read(await (await log_in(http, ADA)).get("users/me"))["id"] == user["id"]
    assert refusal(await confirm(http, code)) == (404, "not_found")


async def test_the_owner_of_a_taken_address_is_told_and_nobody_else(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox
) -> None:
    stranger = {"name": "Eve", "password": "a password of Eve's"}

    known = await http.post("/v1/users", json=stranger | {"email": "ADA@example.com"})
    unknown = await http.post("/v1/users", json=stranger | {"email": "eve@example.com"})

    assert (known.status_code, known.json()) == (202, {"email": "ADA@example.com", "must_confirm": True})
    assert (unknown.status_code, {*unknown.headers}) == (202, {*known.headers})
    texts = (await mailbox.wait_for(3))[1:]
    assert sorted("has a user already" in text for text in texts) == [False, True]
    assert_login_refused(await login(http, "eve@example.com", stranger["password"]))
    assert_login_refused(await login(http, ADA, stranger["password"]))
    read(await login(http, ADA, PASSWORD))


async def test_the_code_of_a_strangers_sign_up_does_not_confirm_their_password(
    http: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await http.post("/v1/users", json={"email": ADA, "name": "Eve", "password": "a password of Eve's"})
    codes = [code_in((await mailbox.wait_for(1))[0])]
    await sign_up(http, ADA)
    codes.append(code_in((await mailbox.wait_for(2))[1]))

    assert refusal(await confirm(http, codes[0])) == (403, "forbidden")
    made(await confirm(http, codes[1]))

    assert refusal(await confirm(http, codes[0], "a password of Eve's")) == (404, "not_found")
    assert_login_refused(await login(http, ADA, "a password of Eve's"))


async def test_guessing_the_password_of_a_sign_up_is_limited(http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await sign_up(http, ADA)
    code = code_in((await mailbox.wait_for(1))[0])
    for _ in range(MAX_FAILURES_OF_A_KEY):
        assert refusal(await confirm(http, code, "wrong")) == (403, "forbidden")

    assert refusal(await confirm(http, code)) == (429, "too_many_requests")


async def test_a_sign_up_that_is_not_confirmed_expires(http: httpx.AsyncClient, mailbox: Mailbox, clock: Clock) -> None:
    await sign_up(http, ADA)
    code = code_in((await mailbox.wait_for(1))[0])
    clock.moment += CONFIRMATION_LIFE

    assert refusal(await confirm(http, code)) == (404, "not_found")


async def test_a_confirmed_sign_up_joins_the_project_of_its_invitation(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox
) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"
    invitation = made(await ada.post(f"{project}/invitations", {"role": "viewer"}))

    await sign_up(http, "bob@example.com", invitation=invitation["secret"])
    code = code_in((await mailbox.wait_for(2))[1])
    assert len(read(await ada.get(f"{project}/members"))["items"]) == 1
    made(await confirm(http, code))

    assert {one["email"] for one in read(await ada.get(f"{project}/members"))["items"]} == {ADA, "bob@example.com"}


async def test_an_unknown_invitation_is_refused_before_anything_is_sent(
    http: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    body = {"email": ADA, "name": "Ada", "password": PASSWORD, "invitation": "fti_unknown"}

    assert refusal(await http.post("/v1/users", json=body)) == (404, "not_found")

    assert mailbox.messages == []


async def test_a_forgotten_password_is_replaced_once_and_ends_sessions(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox
) -> None:
    granted = read(await login(http, ADA, PASSWORD, scope="offline_access"))
    assert (await forget(http, "ADA@Example.com")).status_code == 202
    code = code_in((await mailbox.wait_for(2))[1])

    assert (await reset(http, code)).status_code == 204

    form = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    assert_login_refused(await http.post("/v1/oauth/token", data=form))
    assert refusal(await ada.get("users/me")) == (401, "unauthenticated")
    assert_login_refused(await login(http, ADA, PASSWORD))
    assert refusal(await reset(http, code, "a third long password")) == (404, "not_found")
    events = read(await (await log_in(http, ADA, NEW_PASSWORD)).get("users/me/audit_events"))["items"]
    assert "user.password_changed" in [event["action"] for event in events]


async def test_an_unknown_address_is_answered_alike_and_gets_nothing(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox
) -> None:
    unknown = await forget(http, "eve@example.com")
    known = await forget(http)

    assert (unknown.status_code, {*unknown.headers}) == (known.status_code, {*known.headers})
    assert (unknown.json(), known.json()) == ({"email": "eve@example.com"}, {"email": ADA})
    await mailbox.wait_for(2)
    assert mailbox.recipients == [ADA, ADA]


async def test_a_code_for_a_new_password_expires_within_an_hour(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox, clock: Clock
) -> None:
    await forget(http)
    code = code_in((await mailbox.wait_for(2))[1])
    clock.moment += RESET_LIFE

    assert refusal(await reset(http, code)) == (404, "not_found")
    read(await login(http, ADA, PASSWORD))


async def test_of_two_uses_of_a_code_at_once_one_counts(http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox) -> None:
    await forget(http)
    code = code_in((await mailbox.wait_for(2))[1])

    answers = await asyncio.gather(*(reset(http, code, f"the password {number}") for number in range(4)))

    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]


async def test_a_changed_password_ends_the_codes_for_a_new_one(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox
) -> None:
    await forget(http)
    code = code_in((await mailbox.wait_for(2))[1])
    read(await ada.put("users/me/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}))

    assert refusal(await reset(http, code)) == (404, "not_found")


async def test_one_address_gets_a_few_e_mails_an_hour(http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox) -> None:
    for _ in range(MAX_MAILS + 2):
        assert (await forget(http)).status_code == 202
    await sign_up(http, "bob@example.com")

    await mailbox.wait_for(MAX_MAILS + 1)  # Bob's is one of them; the first of Ada's confirmed her address
    assert mailbox.recipients.count(ADA) == MAX_MAILS


async def test_too_many_requests_from_one_place_are_refused(http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    answers = [await forget(http, f"user-{number}@example.com") for number in range(MAX_FAILURES_OF_A_KEY + 1)]

    assert [answer.status_code for answer in answers] == [202] * MAX_FAILURES_OF_A_KEY + [429]


async def test_only_digests_of_codes_are_stored(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox, database_url: str
) -> None:
    await forget(http)
    await sign_up(http, "bob@example.com")
    codes = [code_in(text) for text in (await mailbox.wait_for(3))[1:]]

    with psycopg.connect(database_url) as conn:
        rows = conn.execute("select password_resets::text from password_resets").fetchall()
        rows += conn.execute("select pending_sign_ups::text from pending_sign_ups").fetchall()

    assert len(rows) == 2
    assert not any(code[4:47] in row for code in codes for (row,) in rows)


async def test_a_mail_server_that_refuses_changes_no_answer(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox, server: Server
) -> None:
    mailbox.refusal = "554 no"

    assert (await forget(http)).status_code == 202
    assert (await forget(http, "eve@example.com")).status_code == 202


async def test_a_deleted_user_leaves_no_code(
    http: httpx.AsyncClient, ada: Caller, mailbox: Mailbox, database_url: str
) -> None:
    await forget(http)
    code = code_in((await mailbox.wait_for(2))[1])

    assert (await ada.delete("users/me")).status_code == 204

    assert refusal(await reset(http, code)) == (404, "not_found")


class TestWithoutMail:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(password_cost=4)

    @pytest.mark.parametrize("email", [ADA, "eve@example.com"])
    async def test_a_reset_says_to_ask_the_operator(self, http: httpx.AsyncClient, email: str) -> None:
        await sign_up(http, ADA)

        answer = await forget(http, email)

        assert refusal(answer) == (403, "forbidden")
        assert "operator" in answer.json()["detail"]

    @pytest.mark.parametrize("code", ["ftw_x", "", "x" * 100, 7])
    async def test_what_is_no_code_is_refused(self, http: httpx.AsyncClient, code: Any) -> None:
        assert (await reset(http, code)).status_code in {404, 422}
