"""Questions about the generated fleet: SQL finds the answers that the generator gives, and a run measures them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.fleet_questions.answers import Counts, Spread, work_out
from bench.fleet_questions.cache import key_of, let_time_pass, stored_fleet
from bench.fleet_questions.fleet import Device, Fleet
from bench.fleet_questions.lineup import common_version, line_up, rare_version
from bench.fleet_questions.questions import Devices, KindOfQuestion, Silence, Versions
from bench.fleet_questions.rollouts import DAY, END
from bench.fleet_questions.rules import put_in_force
from bench.fleet_questions.storing import store

ROOT = Path(__file__).resolve().parents[2]
FLEET = Fleet(400)
SMALL = Fleet(20)


@pytest.fixture(scope="module")
def devices() -> list[Device]:
    return [*FLEET.devices_of(FLEET.big)]


@pytest.fixture
def stored(database_url: str) -> Iterator[psycopg.Connection]:
    store(database_url, FLEET)
    with psycopg.connect(database_url) as conn:
        yield conn


def test_the_answers_equal_the_sql(stored: psycopg.Connection, devices: list[Device]) -> None:
    questions = [one for one in line_up(FLEET) if not one.settles]
    work_out([question.answer for question in questions], devices)

    for question in questions:
        assert question.accepts_rows(rows(stored, question)), question.name


def test_the_answers_equal_the_sql_at_the_edges_of_periods(stored: psycopg.Connection, devices: list[Device]) -> None:
    periods = [period for device in devices for period in device.periods if period.superseded_at is not None]
    edges = [edge for period in periods[::997] for edge in (period.first_reported_at, period.superseded_at or 0)]
    moments = [edge + shift for edge in edges for shift in (-1, 0, 1)]
    questions = [Versions(fleet=FLEET, name="", target_ms=None, answer=Counts(at)) for at in moments]
    work_out([question.answer for question in questions], devices)

    for question in questions:
        assert question.accepts_rows(rows(stored, question)), question.answer.at


def test_a_wrong_answer_is_not_accepted(stored: psycopg.Connection, devices: list[Device]) -> None:
    questions = [one for one in line_up(FLEET) if not one.settles]
    work_out([question.answer for question in questions], devices[1:])
    refused = [question.name for question in questions if not question.accepts_rows(rows(stored, question))]

    assert "all components, now" in refused
    assert "five rules, now" in refused
    assert "adoption of app, a year by week" in refused


def test_adoption_equals_the_counts_at_each_moment(devices: list[Device]) -> None:
    moments = [END - DAY * number for number in (700, 300, 20, 1, 0)]
    spread, counts = Spread("app", moments), [Counts(at, "app") for at in moments]
    work_out([spread, *counts], [device for device in devices if device.life.retired_at is None])

    assert spread.found == {
        (number, version): devices for number, at in enumerate(counts) for (_, version), devices in at.found.items()
    }


def test_the_narrow_table_holds_what_is_open(stored: psycopg.Connection) -> None:
    found = stored.execute(
        """
        select count(*)
          from device_versions as narrow
          full join device_firmware as open
            on (open.project_id, open.component, open.device_id, open.version, open.first_reported_at)
               = (narrow.project_id, narrow.component, narrow.device_id, narrow.version, narrow.since)
         where narrow.device_id is null or open.device_id is null
        """
    ).fetchone()

    assert found == (0,)


def test_closed_periods_lie_in_the_order_in_which_they_closed(stored: psycopg.Connection) -> None:
    found = [row[0] for row in stored.execute("select superseded_at from device_firmware_periods order by ctid")]

    assert found == sorted(found)


def test_the_indexes_are_those_of_the_migrations(stored: psycopg.Connection) -> None:
    names = {
        row[0] for row in stored.execute("select indexname from pg_indexes where tablename = 'device_firmware_periods'")
    }

    assert names == {
        "device_firmware_periods_pkey",
        "device_firmware_periods_span_idx",
        "device_firmware_periods_version_idx",
    }


def test_a_rare_version_runs_on_fewer_devices_than_a_common_one(devices: list[Device]) -> None:
    counts = Counts(END, "app")
    work_out([counts], devices)

    assert counts.found["app", common_version(FLEET, END)] > 5 * counts.found["app", rare_version(FLEET, END)] > 0


def test_a_page_is_accepted_in_either_order_and_no_other(devices: list[Device]) -> None:
    question = next(one for one in line_up(FLEET) if isinstance(one, Devices))
    work_out([question.answer], devices)
    ids = question.answer.ids[:100]

    assert question.accepts({"items": [{"id": str(one)} for one in ids]})
    assert question.accepts({"items": [{"id": str(one)} for one in question.answer.ids_by_name[:100]]})
    assert not question.accepts({"items": [{"id": str(one)} for one in reversed(ids)]})


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user who runs PostgreSQL can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_quick_run_measures_every_question(folder: Path) -> None:
    written = measured(folder)

    assert len(written["questions"]) == len(line_up(FLEET))
    for question in written["questions"]:
        (sample,) = question["sql_beside_it"]["rounds"]
        others = (sample["statements"] - 1) * len(sample["times_ms"])
        assert 0 <= others < 10, "its own, and a few that the server runs by itself"
        assert sample["buffers"] > 10
        assert "Buffers:" in question["sql_beside_it"]["plans"][0]
        assert bool(question["rounds"]) is (question["not_there"] is None)
    assert written["storage"]["device_years"] > 0
    assert "| app, now " in (folder / "results" / "fleet.md").read_text()


def test_a_stored_fleet_is_kept_until_a_fresh_one_is_asked(folder: Path) -> None:
    def rows_of(*, fresh: bool) -> list[tuple[Any, ...]]:
        with stored_fleet(folder, SMALL, fresh=fresh) as stored, psycopg.connect(stored.url) as conn:
            return conn.execute("select period_id from device_firmware_periods order by 1").fetchall()

    first = rows_of(fresh=False)
    assert rows_of(fresh=False) == first
    assert rows_of(fresh=True) != first  # ids of periods are drawn by the database


def test_a_fleet_of_another_generator_or_schema_is_another_one() -> None:
    assert key_of(SMALL) == key_of(Fleet(20)) != key_of(Fleet(20, seed=14))


def test_time_passes_for_a_stored_fleet(stored: psycopg.Connection, database_url: str) -> None:
    let_time_pass(database_url)
    question = next(one for one in line_up(FLEET) if isinstance(one, Silence))
    work_out([question.answer], FLEET.devices_of(FLEET.big))
    found = stored.execute("select now() - max(heard_at) < interval '1 minute' from device_firmware").fetchone()

    assert found == (True,)
    assert question.accepts_rows(rows(stored, question))


def measured(folder: Path) -> dict[str, Any]:
    options = [
        "--quick",
        "--devices=300",
        "--rounds=1",
        f"--cache={folder / 'cache'}",
        f"--results={folder / 'results'}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "bench.fleet_questions", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "results" / "fleet.json").read_text())


def rows(conn: psycopg.Connection, question: KindOfQuestion[Any]) -> list[tuple[Any, ...]]:
    put_in_force(conn, FLEET.big, question.rules)
    return conn.execute(question.peer.statement, question.peer.parameters).fetchall()
