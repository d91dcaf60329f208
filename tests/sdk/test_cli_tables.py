"""Tables, charts and CSV of `firmtrail`: on a terminal, in a pipe, and with texts that somebody made up."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import sys

import httpx
import pytest

from firmtrail.cli.screen import Screen
from firmtrail.cli.texts import csv_cell, duration
from tests.sdk.misbehaving import MisbehavingServer, answering
from tests.sdk.shell import Shell
from tests.sdk.small_fleet import SmallFleet, small_fleet
from tests.served import Server
from tests.server.conftest import Clock, Demo

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
async def fleet(http: httpx.AsyncClient, server: Server, clock: Clock, demo: Demo) -> SmallFleet:
    return await small_fleet(http, server, clock, demo)


@pytest.fixture
def command(fleet: SmallFleet, keyed: Shell) -> Shell:
    return keyed


async def on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run one command whose output goes to a terminal."""
    terminal, its_end = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmtrail.cli", *arguments),
        env={**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", **environment},
        stdout=its_end,
    )
    os.close(its_end)
    written = b""
    try:
        while some := await asyncio.to_thread(os.read, terminal, 65_536):
            written += some
    except OSError:  # Linux's end of a terminal
        pass
    os.close(terminal)
    assert await process.wait() == 0
    return written.decode()


async def test_a_narrow_terminal_drops_optional_columns(command: Shell) -> None:
    wide, narrow = [
        await on_a_terminal("fleet", "versions", COLUMNS=str(columns), NO_COLOR="1") for columns in (140, 70)
    ]

    assert ("first since" in wide, "first since" in narrow) == (True, False)
    assert max(map(len, narrow.splitlines())) <= 70
    assert "60.0%" in narrow


async def test_colours_are_for_terminals_and_end_with_no_color(command: Shell) -> None:
    coloured = await on_a_terminal("fleet", "status", COLUMNS="90")
    plain = await on_a_terminal("fleet", "status", COLUMNS="90", NO_COLOR="1")

    assert "\x1b[36m█" in coloured
    assert "\x1b" not in plain
    assert _COLOURS.sub("", coloured) == plain
    assert "\x1b" not in await command("fleet", "status")


async def test_quiet_leaves_out_what_has_nothing_that_names_it(command: Shell) -> None:
    status = await command("fleet", "status", "--csv")
    versions = [row["version"] for row in csv.DictReader(status.splitlines()) if row["version"]]

    assert versions
    assert (await command("fleet", "status", "-q")).splitlines() == versions


async def test_the_chart_fits_the_terminal(command: Shell) -> None:
    chart = await on_a_terminal(
        *("fleet", "adoption", "--since", "2026-05-01", "--step", "hour"), COLUMNS="80", NO_COLOR="1"
    )

    lines = [line for line in chart.splitlines() if line.startswith("1.")]
    assert [line.split()[0] for line in lines] == ["1.5.0", "1.4.2", "1.4.1"]
    assert max(map(len, lines)) <= 80


async def test_the_status_counts_the_small_fleet(command: Shell) -> None:
    lines = [line.split() for line in (await command("fleet", "status")).splitlines()]

    # pumps 1, 2, 3 and 6 report, 4 is silent, and 5 never reported
    assert ["6", "devices"] in lines
    assert ["reporting", "4", "66.7%"] in [line[:3] for line in lines]
    assert ["silent", "1", "16.7%"] in [line[:3] for line in lines]
    assert ["never", "reported", "1"] in [line[:3] for line in lines]
    assert ["1.5.0", "3", "60.0%"] in [line[:3] for line in lines]
    assert ["pump-6", "main", "1.4.2"] in [line[2:] for line in lines]


async def test_the_status_counts_devices_on_desired_versions(command: Shell) -> None:
    await command("desired-versions", "set", "1.5.0", "--label", "site=berlin")

    # both pumps of Berlin run it
    assert "  main 1.5.0 (site=berlin)        2  100.0%" in await command("fleet", "status")


async def test_the_status_has_a_row_of_csv_for_each_figure(command: Shell) -> None:
    await command("desired-versions", "set", "1.5.0", "--label", "site=berlin")

    head, *rows = csv.reader((await command("fleet", "status", "--csv")).splitlines())

    assert head == ["figure", "component", "version", "labels", "devices", "share", "as_of"]
    assert ["in_service", "", "", "", "6", ""] in [row[:-1] for row in rows]
    assert ["silent", "1"] in [[row[0], row[4]] for row in rows]
    assert ["version", "main", "1.5.0", "", "3", "0.6"] in [row[:-1] for row in rows]
    assert ["on_desired_version", "main", "1.5.0", "site=berlin", "2", "1.0"] in [row[:-1] for row in rows]


async def test_a_list_as_of_a_date_states_its_moment(command: Shell) -> None:
    listed = (await command("devices", "list", "--at", "2026-05-13", "--version", "1.4.1")).splitlines()
    empty = (await command("devices", "list", "--at", "2026-04-01", "--version", "1.4.*")).splitlines()

    assert listed[0] == "As of 2026-05-13 23:59:59Z; labels are today's."
    assert [line.split()[:3] for line in listed[2:]] == [["pump-3", "main", "1.4.1"]]
    assert empty == ["As of 2026-04-01 23:59:59Z; labels are today's."]


async def test_csv_states_the_moment_of_every_row(command: Shell) -> None:
    arguments = ("devices", "list", "--at", "2026-05-13", "--version", "1.4.1", "--csv")
    (row,) = csv.DictReader((await command(*arguments)).splitlines())

    assert (row["name"], row["as_of"]) == ("pump-3", "2026-05-13T23:59:59.999999Z")
    chosen = await command(*arguments, "--columns", "as_of,name")
    assert chosen == "as_of,name\n2026-05-13T23:59:59.999999Z,pump-3\n"
    assert await command(*arguments, "--columns", "name") == "name\npump-3\n"


async def test_the_total_is_said_beside_the_list(command: Shell) -> None:
    assert "6 devices match." in await command.said("devices", "list", "--total", "--limit", "1")


async def test_a_filter_without_devices_names_near_versions(command: Shell) -> None:
    said = await command.said("devices", "list", "--version", "1.5")

    assert "1.5.0" in said
    assert await command.said("devices", "list", "--version", "1.5.0") == ""


async def test_silent_devices_are_filtered_in_the_list(command: Shell) -> None:
    table = list(csv.DictReader((await command("devices", "list", "--silent", "--csv")).splitlines()))

    assert [(row["name"], row["firmware"], row["labels"]) for row in table] == [
        ("pump-4", "main 1.4.2", "site=hamburg"),
        ("pump-5", "", "site=oslo"),
    ]


async def test_adoption_as_csv_has_every_moment(command: Shell, fleet: SmallFleet) -> None:
    arguments = ("fleet", "adoption", "--since", "2026-05-01", "--until", "2026-05-31", "--csv")
    table = list(csv.DictReader((await command(*arguments)).splitlines()))

    on_may_13 = {row["version"]: row["devices"] for row in table if row["moment"] == "2026-05-13T00:00:00.000000Z"}
    # pump 1 has had it since the 10th and 2 since the 12th; 4 and 6 are on 1.4.2, 3 on 1.4.1
    assert on_may_13 == {"1.5.0": "2", "1.4.2": "2", "1.4.1": "1"}


async def test_csv_runs_no_formula(ada: Shell) -> None:
    await ada("devices", "create", "--label", "site=@SUM(1)", "--", '=HYPERLINK("x","y")')

    output = await ada("devices", "list", "--csv")

    (row,) = csv.DictReader(output.splitlines())
    assert (row["name"], row["labels"]) == ('\'=HYPERLINK("x","y")', "site=@SUM(1)")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_csv_cell_that_begins_as_a_formula_gets_an_apostrophe(start: str) -> None:
    assert csv_cell(f"{start}1") == f"'{start}1"
    assert csv_cell(f"1{start}") == f"1{start}"


@pytest.mark.parametrize("noun", ["projects", "members", "api-keys", "devices", "enrollment-keys", "invitations"])
async def test_every_list_has_csv(ada: Shell, noun: str) -> None:
    header, *rows = csv.reader((await ada(noun, "list", "--csv")).splitlines())

    assert {"id", "user_id"} & {*header}
    assert all(len(row) == len(header) for row in rows)


async def test_texts_of_devices_command_no_terminal(misbehaving: MisbehavingServer, keyed: Shell) -> None:
    rollback = {
        "device_id": "00000000-0000-4000-8000-000000000000",
        "device_name": "pump\x1b[2J",
        "component": "main",
        "from_version": "1.5\x9b2J",
        "to_version": "1.4\nforged",
        "at": "2026-05-03T12:00:00Z",
    }
    misbehaving.behaviours = [answering(200, json.dumps({"items": [rollback], "next_page_token": None}))] * 2
    own = {"FIRMTRAIL_URL": misbehaving.url, "FIRMTRAIL_API_KEY": "id:secret", "FIRMTRAIL_AUTH": "basic"}

    for form in ((), ("--csv",)):
        written = await on_a_terminal("fleet", "rollbacks", *form, NO_COLOR="1", COLUMNS="200", **own)

        assert "forged" in written
        assert not {"\x1b", "\x9b"} & {*written}
        assert len(written.splitlines()) == 2


@pytest.mark.parametrize(("share", "bar"), [(0, ""), (1, "█" * 12), (0.5, "█" * 6), (1 / 96, "▏"), (0.001, "")])
def test_a_bar_has_eighths_of_a_block(share: float, bar: str) -> None:
    assert Screen().bar(share) == bar.ljust(12)


def test_a_sparkline_shows_the_smallest_share() -> None:
    assert Screen().sparkline([0, 0.001, 0.5, 1]) == " ▁▄█"
    assert Screen(has_blocks=False).sparkline([0, 0.001, 1]) == " .#"


async def test_a_stream_without_block_characters_gets_ascii(command: Shell) -> None:
    written = await on_a_terminal("fleet", "versions", PYTHONUTF8="0", PYTHONIOENCODING="ascii", COLUMNS="140")

    assert "#######" in written
    assert written.isascii()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.6, "1m"), (3_600, "1h"), (90_061, "1d 1h"), (86_400 * 12, "12d")]
)
def test_a_duration_has_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
