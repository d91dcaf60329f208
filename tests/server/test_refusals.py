"""What refusals say: which role or key would do, and whom to ask."""

from __future__ import annotations

import httpx
import pytest

from tests.server.callers import Bearer, Caller, join, key_of, login, made, read, refusal
from tests.server.conftest import Demo


@pytest.fixture
async def pumps(ada: Caller) -> str:
    return f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"


def said(answer: httpx.Response) -> str:
    assert refusal(answer) == (403, "forbidden")
    return answer.json()["detail"]


async def test_a_role_too_low_names_both_roles_and_whom_to_ask(ada: Caller, bob: Caller, pumps: str) -> None:
    await join(bob, ada, pumps, "viewer")

    assert said(await bob.post(f"{pumps}/devices", {"name": "x"})).startswith(
        "You are a viewer in Pumps; this takes an editor: ask an admin"
    )
    assert "this takes an admin" in said(await bob.get(f"{pumps}/audit_events"))


async def test_the_scope_stays_in_the_challenge(ada: Caller, bob: Caller, pumps: str) -> None:
    await join(bob, ada, pumps, "viewer")

    answer = await bob.post(f"{pumps}/devices", {"name": "x"})

    assert 'scope="devices:write"' in answer.headers["WWW-Authenticate"]


async def test_a_key_with_a_role_too_low_names_what_it_takes(http: httpx.AsyncClient, ada: Caller, pumps: str) -> None:
    viewer = Caller(http, key_of(made(await ada.post(f"{pumps}/api_keys", {"role": "viewer"}))))

    detail = said(await viewer.post(f"{pumps}/devices", {"name": "x"}))

    assert "API key has the role viewer in Pumps; this takes editor" in detail


async def test_a_device_key_that_reads_is_told_which_key_does(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.get(demo.path, auth=demo.device_key)

    assert "API key of a device" in said(answer)


async def test_a_project_key_that_reports_is_told_which_key_does(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(demo.path, auth=demo.project_key, json={"version": "1"})

    assert "its own API key" in said(answer)


async def test_an_enrollment_key_is_told_what_it_is(http: httpx.AsyncClient, ada: Caller, pumps: str) -> None:
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 1}
    key = Caller(http, key_of(made(await ada.post(f"{pumps}/enrollment_keys", terms))))

    assert "enrollment key" in said(await key.get(f"{pumps}/devices"))


async def test_a_key_that_acts_for_a_user_is_told_to_log_in(http: httpx.AsyncClient, demo: Demo) -> None:
    assert "firmtrail login" in said(await Caller(http, demo.project_key).get("users/me"))


async def test_a_narrow_token_is_told_which_scope_it_leaves_out(
    http: httpx.AsyncClient, ada: Caller, pumps: str
) -> None:
    granted = read(await login(http, "ada@example.com", "correct horse battery", scope="project:read"))
    narrow = Caller(http, Bearer(granted["access_token"]))

    assert "leaves out the scope devices:read" in said(await narrow.get(f"{pumps}/devices"))


async def test_a_second_project_of_a_name_is_refused_and_the_first_named(ada: Caller, bob: Caller, pumps: str) -> None:
    answer = await ada.post("projects", {"name": "Pumps"})

    assert refusal(answer) == (409, "conflict")
    assert pumps.partition("/")[2] in answer.json()["detail"]
    assert len(read(await ada.get("projects"))["items"]) == 1
    made(await bob.post("projects", {"name": "Pumps"}))


async def test_the_name_of_a_deleted_project_is_free_again(ada: Caller, pumps: str) -> None:
    assert (await ada.delete(pumps, name="Pumps")).status_code == 204

    made(await ada.post("projects", {"name": "Pumps"}))
