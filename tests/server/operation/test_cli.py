"""What the command refuses: its exit code, and one sentence that shows no password."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from urllib.parse import quote

import pytest

from tests.server.server_process import ServerProcess

PASSWORD = "hidden-word"
NOWHERE = f"postgresql://firmtrail:{PASSWORD}@127.0.0.1:1/firmtrail"


def with_password(url: str) -> str:
    """The same database; it asks for no password, and takes any."""
    return url.replace("firmtrail@", f"firmtrail:{PASSWORD}@")


def refused(exit_code: int, *arguments: str, **environment: str) -> str:
    """Run the command to its end and return the one sentence that it says."""
    process = ServerProcess(*arguments, **environment)

    assert (process.exit_code(), process.said.count("\n")) == (exit_code, 1), process.said
    assert re.match(r"firmtrail-server: [A-Z].*", process.said)
    assert PASSWORD not in process.said
    return process.said


def test_a_schema_that_is_too_old_is_70_and_says_what_to_run(empty_database_url: str) -> None:
    said = refused(70, "serve", FIRMTRAIL_DATABASE_URL=with_password(empty_database_url))

    assert "run: firmtrail-server migrate" in said


@pytest.mark.parametrize("arguments", [("serve", "--migrate"), ("migrate",)])
def test_a_database_that_may_not_be_changed_is_70_and_says_why(
    empty_database_url: str, arguments: tuple[str, ...]
) -> None:
    read_only = f"{with_password(empty_database_url)}&options={quote('-c default_transaction_read_only=on')}"

    assert "read-only transaction" in refused(70, *arguments, FIRMTRAIL_DATABASE_URL=read_only)


def test_a_database_whose_migrations_may_not_be_read_is_70_and_says_why(database_url: str) -> None:
    stranger = f"{with_password(database_url)}&options={quote('-c role=pg_monitor')}"

    assert "permission denied" in refused(70, "serve", FIRMTRAIL_DATABASE_URL=stranger)


@pytest.mark.parametrize("arguments", [("serve",), ("serve", "--migrate"), ("migrate",)])
def test_a_database_that_cannot_be_reached_is_69_and_names_the_variable(arguments: tuple[str, ...]) -> None:
    assert "FIRMTRAIL_DATABASE_URL" in refused(69, *arguments, FIRMTRAIL_DATABASE_URL=NOWHERE)


def test_a_database_url_that_is_none_is_78_and_names_the_variable() -> None:
    said = refused(78, "serve", FIRMTRAIL_DATABASE_URL=f"mysql://firmtrail:{PASSWORD}@127.0.0.1/firmtrail")

    assert "FIRMTRAIL_DATABASE_URL" in said


def test_a_taken_port_is_78_and_named(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(78, "serve", FIRMTRAIL_DATABASE_URL=with_password(database_url), FIRMTRAIL_PORT=port)

    assert f"port {port}" in said


def test_an_address_that_is_not_ours_is_78_and_named(database_url: str) -> None:
    said = refused(78, "serve", "--host", "192.0.2.1", FIRMTRAIL_DATABASE_URL=with_password(database_url))

    assert "192.0.2.1" in said


def test_a_command_that_does_not_exist_is_2() -> None:
    process = ServerProcess("jump")

    assert process.exit_code() == 2
    assert "usage: firmtrail-server" in process.said


def test_a_server_without_the_extra_embedded_is_78_and_names_it() -> None:
    program = (
        "import sys; sys.modules['firmtrail_postgres'] = None;"
        "from firmtrail_server.process.cli import main; sys.exit(main(['migrate']))"
    )

    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.count("\n")) == (78, 1), done.stderr
    assert "FIRMTRAIL_DATABASE_URL" in done.stderr
    assert "firmtrail-server[embedded]" in done.stderr
