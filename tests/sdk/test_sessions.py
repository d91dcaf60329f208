"""A login of the command that lasts: refreshed by many threads and processes, ended here and at the server."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from firmtrail import AsyncClient, AuthenticationError, Client, CredentialsError, OAuthError
from firmtrail._sessions import SessionTokens, StoredSession
from tests.sdk.shell import ADA, PASSWORD, Shell
from tests.served import Server
from tests.server.conftest import Clock

NEW_PASSWORD = "another long password"
WHO = "import firmtrail, sys; [firmtrail.Client().users.me() for _ in range(int(sys.argv[1]))]"


@attrs.define
class StrictServer:
    """Rotates refresh tokens without any grace: one used twice ends the session. Access tokens expire at once."""

    refreshes: int = 0
    has_ended: bool = False
    url: str = ""

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if self.has_ended or form["refresh_token"] != f"r{self.refreshes}":
            self.has_ended = True
            return web.json_response({"error": "invalid_grant", "error_description": "It has ended."}, status=400)
        self.refreshes += 1
        granted = {"access_token": f"a{self.refreshes}", "expires_in": 0, "scope": "self"}
        return web.json_response(granted | {"token_type": "Bearer", "refresh_token": f"r{self.refreshes}"})

    async def me(self, request: web.Request) -> web.Response:
        user = {"id": "00000000-0000-4000-8000-000000000000", "email": ADA, "name": "Ada"}
        return web.json_response(user | {"created_at": "2026-06-01T12:00:00Z"})


@pytest.fixture
async def strict() -> AsyncGenerator[StrictServer]:
    server = StrictServer()
    app = web.Application()
    app.router.add_post("/v1/oauth/token", server.token)
    app.router.add_get("/v1/users/me", server.me)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server


def logged_in(shell: Shell, url: str) -> StoredSession:
    """A profile with a session whose access token has expired."""
    shell.profiles.parent.mkdir(parents=True, exist_ok=True)
    shell.profiles.write_text(f'[profiles.default]\nurl = "{url}"\n')
    shell.profiles.chmod(0o600)
    session = StoredSession.of_profile({"XDG_CONFIG_HOME": str(shell.home / ".config")})
    session.write(SessionTokens(url=url, refresh_token="r0", access_token="a0", renew_at=0))
    return session


async def in_processes(number: int, times: int) -> list[int | None]:
    """Let several processes ask who they are, at once and again and again."""
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", WHO, str(times)) for _ in range(number)]
    return [await process.wait() for process in processes]


def session_file(shell: Shell) -> Path:
    return shell.home / ".config" / "firmtrail" / "sessions" / "default.json"


async def test_a_login_left_alone_for_a_week_still_works(ada: Shell, clock: Clock) -> None:
    for _ in range(6):
        clock.advance(days=7)
        assert (await ada.one("whoami"))["email"] == ADA


async def test_a_login_ends_at_last_and_says_what_to_do(ada: Shell, clock: Clock) -> None:
    clock.advance(days=31)

    assert "Log in again" in await ada("whoami", code=1)


async def test_a_session_is_kept_for_its_owner_alone(ada: Shell) -> None:
    assert stat.S_IMODE(session_file(ada).stat().st_mode) == 0o600
    assert "token" not in ada.profiles.read_text()
    session_file(ada).chmod(0o644)

    assert "chmod 600" in await ada("whoami", code=78)


async def test_logout_ends_the_session_at_the_server(ada: Shell, server: Server) -> None:
    tokens = json.loads(session_file(ada).read_text())

    await ada("logout")

    assert not session_file(ada).exists()
    async with AsyncClient(server.url, access_token=tokens["access_token"]) as client:
        with pytest.raises(AuthenticationError):
            await client.users.me()
    assert "firmtrail login" in await ada("whoami", code=78)


async def test_logout_without_a_server_forgets_and_says_so(ada: Shell) -> None:
    tokens = json.loads(session_file(ada).read_text())
    session_file(ada).write_text(json.dumps(tokens | {"url": "http://127.0.0.1:1"}))

    assert "firmtrail sessions list" in await ada("logout", code=69)

    assert not session_file(ada).exists()


async def test_a_new_login_takes_the_place_of_the_last_one(ada: Shell, server: Server) -> None:
    await ada("login", ADA, "--url", server.url, told=f"{PASSWORD}\n")

    (session,) = [json.loads(line) for line in (await ada("sessions", "list", "--json")).splitlines()]
    assert session["is_current"] is True
    assert session["client"].startswith("firmtrail-python/")


async def test_sessions_are_listed_and_ended(ada: Shell, server: Server) -> None:
    ada.monkeypatch.setenv("FIRMTRAIL_PROFILE", "notebook")
    await ada("login", ADA, "--url", server.url, told=f"{PASSWORD}\n")
    ids = (await ada("sessions", "list", "-q")).split()
    own = [
        one["id"]
        for one in map(json.loads, (await ada("sessions", "list", "--json")).splitlines())
        if one["is_current"]
    ]
    (other,) = {*ids} - {*own}

    await ada("sessions", "end", other, "--yes")

    assert (await ada("sessions", "list", "-q")).split() == own
    ada.monkeypatch.delenv("FIRMTRAIL_PROFILE")
    assert "Log in again" in await ada("whoami", code=1)


async def test_passwd_stays_logged_in_and_ends_the_others(ada: Shell, server: Server) -> None:
    ada.monkeypatch.setenv("FIRMTRAIL_PROFILE", "notebook")
    await ada("login", ADA, "--url", server.url, told=f"{PASSWORD}\n")

    await ada("passwd", told=f"{PASSWORD}\n{NEW_PASSWORD}\n")

    assert (await ada.one("whoami"))["email"] == ADA
    assert len((await ada("sessions", "list", "-q")).split()) == 1
    ada.monkeypatch.delenv("FIRMTRAIL_PROFILE")
    assert "Log in again" in await ada("whoami", code=1)


async def test_a_wrong_current_password_changes_nothing(ada: Shell) -> None:
    assert "current password is wrong" in await ada("passwd", told=f"wrong password\n{NEW_PASSWORD}\n", code=1)

    assert (await ada.one("whoami"))["email"] == ADA


async def test_many_threads_refresh_one_at_a_time(shell: Shell, strict: StrictServer) -> None:
    logged_in(shell, strict.url)

    with Client() as client:
        await asyncio.gather(*(asyncio.to_thread(client.users.me) for _ in range(20)))

    assert not strict.has_ended


async def test_many_tasks_refresh_one_at_a_time(shell: Shell, strict: StrictServer) -> None:
    session = logged_in(shell, strict.url)

    async with AsyncClient() as client:
        await asyncio.gather(*(client.users.me() for _ in range(20)))

    tokens = session.read()
    assert tokens is not None
    assert tokens.refresh_token == f"r{strict.refreshes}"


async def test_two_processes_do_not_end_each_others_session(shell: Shell, strict: StrictServer) -> None:
    logged_in(shell, strict.url)

    assert await in_processes(3, times=10) == [0, 0, 0]

    assert (strict.refreshes, strict.has_ended) == (30, False)


async def test_processes_share_what_one_of_them_refreshed(ada: Shell, clock: Clock) -> None:
    clock.advance(days=7)

    assert await in_processes(3, times=1) == [0, 0, 0]

    assert (await ada.one("whoami"))["email"] == ADA


async def test_a_client_takes_what_another_process_refreshed(shell: Shell, strict: StrictServer) -> None:
    session = logged_in(shell, strict.url)
    async with AsyncClient() as client:
        await client.users.me()
        session.write(SessionTokens(url=strict.url, refresh_token="r-", access_token="a-", renew_at=2**40))

        await client.users.me()

    assert strict.refreshes == 1


async def test_a_refused_refresh_token_is_an_error_that_says_why(shell: Shell, strict: StrictServer) -> None:
    logged_in(shell, strict.url)
    strict.has_ended = True

    async with AsyncClient() as client:
        with pytest.raises(OAuthError, match="ended"):
            await client.users.me()


async def test_a_client_whose_profile_was_logged_out_says_so(shell: Shell, strict: StrictServer) -> None:
    session = logged_in(shell, strict.url)
    async with AsyncClient() as client:
        session.forget()

        with pytest.raises(CredentialsError, match="firmtrail login"):
            await client.users.me()


async def test_a_session_is_shown_to_its_own_server_alone(shell: Shell, strict: StrictServer) -> None:
    session = logged_in(shell, strict.url)
    session.write(SessionTokens(url="https://elsewhere.example", refresh_token="r0", access_token="a0", renew_at=0))

    async with AsyncClient() as client:
        with pytest.raises(CredentialsError):
            await client.users.me()


async def test_a_profile_logged_in_elsewhere_meanwhile_shows_the_old_server_nothing(
    shell: Shell, strict: StrictServer
) -> None:
    session = logged_in(shell, strict.url)
    async with AsyncClient() as client:
        session.write(SessionTokens(url="https://elsewhere.example", refresh_token="r0", access_token="a", renew_at=0))

        with pytest.raises(CredentialsError):
            await client.users.me()

    assert strict.refreshes == 0


async def test_a_session_is_used_however_its_server_is_written(shell: Shell, strict: StrictServer) -> None:
    session = logged_in(shell, strict.url.replace("http://", "HTTP://"))

    async with AsyncClient(f"{strict.url}/") as client:
        await client.users.me()

    tokens = session.read()
    assert (strict.refreshes, tokens and tokens.refresh_token) == (1, "r1")


async def test_logout_ends_the_session_of_the_named_profile_alone(ada: Shell, server: Server) -> None:
    await ada("login", ADA, "--profile", "work", "--url", server.url, told=f"{PASSWORD}\n")
    assert len((await ada("sessions", "list", "-q")).split()) == 2

    await ada("logout", "--profile", "work")

    assert len((await ada("sessions", "list", "-q")).split()) == 1
    assert "firmtrail login" in await ada("whoami", "--profile", "work", code=78)


async def test_passwd_keeps_the_named_profile_logged_in(ada: Shell, server: Server) -> None:
    await ada("login", ADA, "--profile", "work", "--url", server.url, told=f"{PASSWORD}\n")

    await ada("passwd", "--profile", "work", told=f"{PASSWORD}\n{NEW_PASSWORD}\n")

    assert (await ada.one("whoami", "--profile", "work"))["email"] == ADA
    assert "Log in again" in await ada("whoami", code=1)


async def test_a_damaged_file_of_a_session_says_to_log_in(shell: Shell, strict: StrictServer) -> None:
    logged_in(shell, strict.url).file.write_text("{")

    assert "firmtrail login" in await shell("whoami", code=78)


def test_no_token_of_a_session_is_in_its_repr() -> None:
    tokens = SessionTokens(url="http://x", refresh_token="hidden-r", access_token="hidden-a", renew_at=0)

    assert "hidden" not in repr(tokens)
