"""A user made from the command line: one who can log in, and whose password is nowhere to be seen."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from tests.server.callers import PASSWORD, log_in, made, new_user, read
from tests.server.server_process import run

ADA = ("create-user", "--email", "ada@example.com", "--name", "Ada")


async def test_a_user_made_by_the_operator_can_log_in_and_make_a_project(
    http: httpx.AsyncClient, database_url: str
) -> None:
    done = run(*ADA, told=f"{PASSWORD}\nanother line\n", FIRMTRAIL_DATABASE_URL=database_url)

    assert (done.returncode, done.stderr) == (0, "")
    ada = await log_in(http, "ada@example.com")
    assert done.stdout == f"made the user {read(await ada.get('users/me'))['id']}\n"
    made(await ada.post("projects", {"name": "Pumps"}))
    (event,) = read(await ada.get("users/me/audit_events"))["items"]
    assert (event["action"], event["actor_kind"], event["actor_id"]) == ("user.signed_up", "operator", None)


def test_the_password_is_hashed_at_the_full_cost(database_url: str) -> None:
    run(*ADA, told=PASSWORD, FIRMTRAIL_DATABASE_URL=database_url)

    with psycopg.connect(database_url) as conn:
        ((stored,),) = conn.execute("select password_hash from users").fetchall()
    assert stored.startswith(b"$2b$12$")


@pytest.mark.parametrize(
    ("arguments", "told", "names"),
    [
        (ADA, "", "password"),
        (ADA, "short-1\n", "password"),
        (ADA, "x" * 73, "password"),
        (ADA, "bell\a-in-the-middle\n", "password"),
        (("create-user", "--email", "ada", "--name", "Ada"), PASSWORD, "email"),
        (("create-user", "--email", "ada@example.com", "--name", ""), PASSWORD, "name"),
    ],
)
def test_what_makes_no_user_is_65_and_named(
    database_url: str, arguments: tuple[str, ...], told: str, names: str
) -> None:
    done = run(*arguments, told=told, FIRMTRAIL_DATABASE_URL=database_url)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (65, "", 1)
    assert f"the {names} must" in done.stderr
    assert not told.strip() or told.strip() not in done.stderr


async def test_a_known_address_is_65_and_its_user_stays(http: httpx.AsyncClient, database_url: str) -> None:
    await new_user(http, "ADA@example.com")

    done = run(*ADA, told="another password", FIRMTRAIL_DATABASE_URL=database_url)

    assert (done.returncode, "has one already" in done.stderr) == (65, True)
    await log_in(http, "ada@example.com")


def test_a_database_that_lacks_migrations_is_70(empty_database_url: str) -> None:
    done = run(*ADA, told=PASSWORD, FIRMTRAIL_DATABASE_URL=empty_database_url)

    assert (done.returncode, "firmtrail-server migrate" in done.stderr) == (70, True)


def test_a_password_is_no_argument() -> None:
    assert run(*ADA, "--password", PASSWORD).returncode == 2
