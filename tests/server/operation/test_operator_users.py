"""What an operator does to users from the command line, and that no command makes a database by accident."""

from __future__ import annotations

import uuid
from pathlib import Path

import httpx
import pytest

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
)
from tests.server.server_process import run

ADA, BOB = "ada@example.com", "bob@example.com"
NEW_PASSWORD = "another long password"


async def session_of(http: httpx.AsyncClient, email: str) -> str:
    return read(await login(http, email, PASSWORD, scope="offline_access"))["refresh_token"]


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})


async def test_a_password_set_by_the_operator_ends_all_sessions(
    http: httpx.AsyncClient, ada: Caller, database_url: str
) -> None:
    token = await session_of(http, ADA)

    done = run("set-password", "ADA@example.com", told=f"{NEW_PASSWORD}\n", FIRMTRAIL_DATABASE_URL=database_url)

    assert (done.returncode, done.stderr) == (0, "")
    assert NEW_PASSWORD not in done.stdout
    assert_login_refused(await refresh(http, token))
    assert_login_refused(await login(http, ADA, PASSWORD))
    assert refusal(await ada.get("users/me")) == (401, "unauthenticated")
    renewed = await log_in(http, ADA, NEW_PASSWORD)
    events = read(await renewed.get("users/me/audit_events", action="user.password_changed"))["items"]
    assert [event["actor_kind"] for event in events] == ["operator"]


@pytest.mark.parametrize(
    ("arguments", "told", "names"),
    [
        (("set-password", ADA), "short\n", "password"),
        (("set-password", "nobody@example.com"), f"{NEW_PASSWORD}\n", "nobody@example.com"),
        (("disable-user", "nobody@example.com"), "", "nobody@example.com"),
        (("make-admin", ADA, str(uuid.UUID(int=1))), "", "no project"),
    ],
)
async def test_what_changes_nothing_is_65_and_says_why(
    http: httpx.AsyncClient, database_url: str, arguments: tuple[str, ...], told: str, names: str
) -> None:
    await new_user(http, ADA)

    done = run(*arguments, told=told, FIRMTRAIL_DATABASE_URL=database_url)

    assert (done.returncode, done.stdout, names in done.stderr) == (65, "", True)
    read(await login(http, ADA, PASSWORD))


async def test_a_disabled_user_is_out_at_once_until_enabled(
    http: httpx.AsyncClient, ada: Caller, database_url: str
) -> None:
    token = await session_of(http, ADA)

    assert run("disable-user", ADA, FIRMTRAIL_DATABASE_URL=database_url).returncode == 0

    assert_login_refused(await refresh(http, token))
    refused, unknown = await login(http, ADA, PASSWORD), await login(http, "eve@example.com", PASSWORD)
    assert_login_refused(refused)
    assert refused.json() == unknown.json()
    assert refusal(await ada.get("users/me")) == (401, "unauthenticated")

    assert run("enable-user", ADA, FIRMTRAIL_DATABASE_URL=database_url).returncode == 0

    assert refusal(await ada.get("users/me")) == (401, "unauthenticated")
    read(await (await log_in(http, ADA)).get("users/me"))


async def test_the_invitations_of_a_disabled_user_end(
    http: httpx.AsyncClient, ada: Caller, bob: Caller, database_url: str
) -> None:
    project = made(await ada.post("projects", {"name": "Pumps"}))["id"]
    invitation = made(await ada.post(f"projects/{project}/invitations", {"role": "admin"}))

    run("disable-user", ADA, FIRMTRAIL_DATABASE_URL=database_url)

    answer = await bob.post("invitations/accept", {"secret": invitation["secret"]})
    assert refusal(answer) == (404, "not_found")


async def test_a_project_gets_an_admin_again(
    http: httpx.AsyncClient, ada: Caller, bob: Caller, database_url: str
) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"
    await new_user(http, "cleo@example.com")
    await join(bob, ada, project, "viewer")

    for email in (BOB, "cleo@example.com"):
        done = run("make-admin", email, project.partition("/")[2], FIRMTRAIL_DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr

    roles = {one["email"]: one["role"] for one in read(await bob.get(f"{project}/members"))["items"]}
    assert roles == {ADA: "admin", BOB: "admin", "cleo@example.com": "admin"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("create-user", "--email", ADA, "--name", "Ada"),
        ("set-password", ADA),
        ("disable-user", ADA),
        ("check-derived",),
    ],
)
def test_no_command_about_users_makes_a_database(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    data_dir = tmp_path / "elsewhere"

    done = run(*arguments, told=f"{PASSWORD}\n", FIRMTRAIL_DATA_DIR=str(data_dir))

    assert (done.returncode, str(data_dir) in done.stderr, "migrate" in done.stderr) == (78, True, True)
    assert not data_dir.exists()


async def test_a_password_is_never_an_argument(database_url: str) -> None:
    done = run("set-password", ADA, NEW_PASSWORD, FIRMTRAIL_DATABASE_URL=database_url)

    assert done.returncode == 2
