"""The log: priorities for the journal, plain lines for a terminal, and nothing said twice."""

from __future__ import annotations

import os

import pytest

from firmtrail_agent.system import log
from tests.agent.support.observations import Time

Output = pytest.CaptureFixture[str]


def test_lines_carry_a_priority_where_stderr_is_the_journal(monkeypatch: pytest.MonkeyPatch, capfd: Output) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")

    log.error("one", "two")
    log.info("three")

    assert capfd.readouterr().err == "<3>one\n<3>two\n<6>three\n"


def test_no_text_forges_a_line_of_the_journal(monkeypatch: pytest.MonkeyPatch, capfd: Output) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")

    log.warning("one\n<0>two\x1b[2J\u2028three" + "x" * 10_000)

    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("<4>one?<0>two?[2J?three")
    assert len(line) < 3000


def test_lines_are_plain_where_stderr_leads_elsewhere(monkeypatch: pytest.MonkeyPatch, capfd: Output) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")

    log.warning("one")

    assert capfd.readouterr().err == "firmtrail-agent: one\n"


def test_a_warning_is_said_again_when_it_changes_or_comes_back(capfd: Output) -> None:
    said = log.OnChange(Time())

    for message in ("a", "a", "b"):
        said.warning("topic", message)
    said.recovered("topic", "over")
    said.recovered("topic", "over")
    said.warning("topic", "b")

    assert [line.split()[-1] for line in capfd.readouterr().err.splitlines()] == ["a", "b", "over", "b"]


def test_a_warning_that_lasts_is_said_again_after_1_2_4_and_8_hours(capfd: Output) -> None:
    time = Time()
    said, hours = log.OnChange(time), list[int]()

    for hour in range(20):
        time.now = hour * 3600
        said.warning("topic", "still so")
        if capfd.readouterr().err:
            hours.append(hour)

    assert hours == [0, 1, 3, 7, 15]
