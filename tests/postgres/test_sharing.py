"""Several users of one data directory."""

from __future__ import annotations

from pathlib import Path

import psycopg

from firmtrail_postgres import EmbeddedDatabase
from tests.postgres.conftest import FAST, StartUser, is_running, postmaster_pid


def test_the_second_user_joins_the_server_of_the_first(made_root: Path, start_user: StartUser) -> None:
    first = start_user(made_root)
    url = first.url()
    pid = postmaster_pid(made_root)

    with EmbeddedDatabase(made_root) as joined:
        assert joined == url
        assert postmaster_pid(made_root) == pid


def test_the_first_user_may_leave_first(made_root: Path, start_user: StartUser) -> None:
    first = start_user(made_root)
    first.url()

    with EmbeddedDatabase(made_root) as url:
        assert first.leave() == "left"
        with psycopg.connect(url) as conn:
            assert conn.execute("select 1").fetchone() == (1,)

    assert not is_running(made_root)


def test_two_users_in_one_process_count_as_two(made_root: Path) -> None:
    first, second = EmbeddedDatabase(made_root, settings=FAST), EmbeddedDatabase(made_root)
    first.start()
    second.start()

    assert not first.stop()
    assert second.stop()


def test_four_that_start_at_once_share_one_server_and_the_last_stops_it(root: Path, start_user: StartUser) -> None:
    users = [start_user(root) for _ in range(4)]

    assert len({user.url() for user in users}) == 1
    assert [user.leave() for user in users] == ["left", "left", "left", "stopped"]
    assert not is_running(root)
