"""What the configuration is made of, and what is said of every mistake in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from firmtrail_agent.config.configuration import BadConfiguration, load_sources
from firmtrail_agent.config.layers import Layers
from firmtrail_agent.sources.builtin.file import File
from firmtrail_agent.sources.builtin.kernel import Kernel
from tests.agent.support.config_files import GOOD, SYSTEM, VENDOR, Files
from tests.agent.support.device import DEVICE_ID


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_two_keys_are_enough(files: Files) -> None:
    files.write(GOOD)

    chosen = files.load()

    assert (chosen.server_url, str(chosen.device_id)) == ("https://firmtrail.example.com", DEVICE_ID)
    assert (chosen.interval_seconds, chosen.first_within_seconds, chosen.sources) == (3600, 300, None)


def test_each_layer_covers_the_one_before(files: Files) -> None:
    def interval(seconds: int) -> str:
        return f"[report]\ninterval_seconds = {seconds}\n"

    variable, setting = {"FIRMTRAIL_AGENT_REPORT_INTERVAL_SECONDS": "15"}, ["report.interval_seconds=16"]
    seen = [files.load(settings=[f"device.id={DEVICE_ID}", "server.url=http://h"]).interval_seconds]

    for path, content in (
        (VENDOR, GOOD + interval(11)),
        (SYSTEM, interval(12)),
        ("etc/firmtrail-agent/config.d/10-first.toml", interval(13)),
        ("etc/firmtrail-agent/config.d/20-second.toml", interval(14)),
    ):
        files.write(content, path)
        seen.append(files.load().interval_seconds)
    seen.append(files.load(variable).interval_seconds)
    seen.append(files.load(variable, setting).interval_seconds)

    assert seen == [3600, 11, 12, 13, 14, 15, 16]


def test_a_file_named_on_the_command_line_stands_in_for_those_of_the_system(files: Files) -> None:
    files.write(GOOD + "[report]\ninterval_seconds = 20\n")
    other = files.write(GOOD, "elsewhere.toml")

    assert files.load(file=other).interval_seconds == 3600


def test_a_file_named_on_the_command_line_must_be_there(files: Files) -> None:
    with pytest.raises(BadConfiguration, match="there is no such file"):
        files.load(file=files.root / "elsewhere.toml")


@pytest.mark.parametrize("name", ["10-old.toml.bak", ".10-hidden.toml", ".toml"])
def test_a_file_in_the_drop_in_directory_with_another_ending_or_hidden_is_not_read(files: Files, name: str) -> None:
    files.write(GOOD)
    files.write("not [ TOML", f"etc/firmtrail-agent/config.d/{name}")

    assert files.load().interval_seconds == 3600


def test_an_empty_variable_counts_as_unset(files: Files) -> None:
    files.write(GOOD)

    assert files.load({"FIRMTRAIL_AGENT_SERVER_URL": ""}).server_url == "https://firmtrail.example.com"


def test_sources_are_asked_in_the_order_in_which_they_stand(files: Files) -> None:
    files.write(
        f'{GOOD}\n[[sources]]\ntype = "file"\ncomponent = "modem"\npath = "/etc/modem"\n[[sources]]\ntype = "kernel"\n'
    )

    assert files.load().sources == [File(component="modem", path="/etc/modem"), Kernel()]


def test_the_sources_of_a_device_that_reports_nowhere_yet_can_be_read(files: Files) -> None:
    files.write('[[sources]]\ntype = "kernel"\n')

    assert load_sources(Layers(environment={}, root=files.root)) == [Kernel()]


def test_a_missing_key_is_named_with_its_variable(files: Files) -> None:
    assert files.problems() == [
        "server.url is not set: write it into the configuration file or set FIRMTRAIL_AGENT_SERVER_URL",
        (
            "device.id is not set: run firmtrail-agent enroll, or write it into the configuration file or "
            "set FIRMTRAIL_AGENT_DEVICE_ID"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[report]\n\ninterval_second = 60", "line 7: there is no setting report.interval_second"),
        ("[report]\ninterval_second = 60", "did you mean report.interval_seconds?"),
        ("[reports]\ninterval_seconds = 60", "line 5: there is no setting reports; did you mean report?"),
        ("[report]\nurl = 'x'", "line 6: there is no setting report.url; did you mean server.url?"),
        ("[a.b]\nc = 1", "line 5: there is no setting a"),
        ("server.id = 'x'", "line 5: there is no setting"),
        ("[report]\ninterval_seconds = 9", "line 6: report.interval_seconds must be a whole number from 10"),
        ("[report]\ninterval_seconds = 1e9", "line 6: report.interval_seconds must be a whole number from 10"),
        ("[report]\ninterval_seconds = true", "line 6: report.interval_seconds must be a whole number from 10"),
        ("[report]\ninterval_seconds = '60'", "line 6: report.interval_seconds must be a whole number from 10"),
        ("[report]\nfirst_within_seconds = -1", "line 6: report.first_within_seconds must be a whole number from 0"),
        ("[[sources]]\ntype = 'fail'", "line 6: the type of a source must be one of drop-directory, "),
        ("[[sources]]\ncomponent = 'main'", "line 5: the type of a source must be one of"),
        ("[[sources]]\ntype = 'file'\ncomponent = 'x'", "line 5: a source of type file needs path"),
        ("[[sources]]\ntype = 'file'\npath = '/x'", "line 5: a source of type file needs component"),
        ("[[sources]]\ntype = 'fiel'", "did you mean file?"),
        ("[[sources]]\ntype = 'kernel'\npath = '/x'", "line 7: a source of type kernel has no setting path"),
        (
            "[[sources]]\ntype = 'kernel'\n[[sources]]\ntype = 'dmi'\ncomponnet = 'x'",
            "line 9: a source of type dmi has no setting componnet; did you mean component?",
        ),
        ("[[sources]]\ntype = 'kernel'\ncomponent = 'Main'", "line 7: component must be 1 to 64 of a-z"),
        ("[[sources]]\ntype = 'kernel'\ncomponent = 3", "line 7: component must be 1 to 64 of a-z"),
        (
            "[[sources]]\ntype = 'file'\ncomponent = 'x'\npath = 'version'",
            "line 8: path must be an absolute path",
        ),
        (
            "[[sources]]\ntype = 'file'\ncomponent = 'x'\npath = \"/a\\u0000b\"",
            "line 8: path must be an absolute path",
        ),
        (
            "[[sources]]\ntype = 'kernel'\n[[sources]]\ntype = 'dmi'\ncomponent = 'kernel'",
            "line 7: another source gives the version of kernel already",
        ),
        (
            "[[sources]]\ntype = 'swupdate'\n[[sources]]\ntype = 'swupdate'\npath = '/etc/sw-versions'",
            "line 7: another source gives the versions of swupdate in /etc/sw-versions already",
        ),
        (
            "[[sources]]\ntype = 'fwupd'\n[[sources]]\ntype = 'fwupd'",
            "line 7: another source gives the versions of fwupd already",
        ),
        (
            "[[sources]]\ntype = 'fwupd'\ncomponents = {x = 'uefi'}\n[[sources]]\ntype = 'dmi'\ncomponent = 'uefi'",
            "line 8: another source gives the version of uefi already",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_would_be_right(files: Files, content: str, problem: str) -> None:
    files.write(GOOD + content)

    assert problem in "\n".join(files.problems())


@pytest.mark.parametrize("value", ["[]", "3", "'none'", "['auto']", "[1]", "{type = 'kernel'}"])
def test_sources_are_auto_or_tables(files: Files, value: str) -> None:
    files.write(f"sources = {value}\n{GOOD}")

    (problem,) = files.problems()

    assert problem.startswith("etc/firmtrail-agent/config.toml, line 1: ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "firmtrail.example.com",
        "ftp://h",
        "https://",
        "https://h:0",
        "https://h:x",
        "https://[",
        "https://h/?a=1",
        "https://h/#a",
        "https://h..example.com",
        "https://xn--a",
        "https://h h",
        "https://h\n",
    ],
)
def test_a_url_that_cannot_be_used_is_refused(files: Files, url: str) -> None:
    (problem,) = files.problems(settings=[f"server.url={url}", f"device.id={DEVICE_ID}"])

    assert problem.startswith("--set server.url: server.url must be a URL such as https://firmtrail.example.com")


@pytest.mark.parametrize("auth", ["", "Basic", "bearer", "token "])
def test_another_way_to_authenticate_is_refused(files: Files, auth: str) -> None:
    files.write(GOOD.replace("[server]", f"[server]\nauth = '{auth}'"))

    assert any("server.auth must be token or basic" in problem for problem in files.problems())


@pytest.mark.parametrize("device_id", ["", "x", f"{{{DEVICE_ID}}}", DEVICE_ID.replace("-", ""), "12345678"])
def test_a_device_id_that_is_no_uuid_is_refused(files: Files, device_id: str) -> None:
    (problem,) = files.problems(settings=["server.url=http://h", f"device.id={device_id}"])

    assert problem.startswith("--set device.id: device.id must be a UUID")


def test_a_secret_at_a_wrong_place_is_refused_and_not_repeated(files: Files) -> None:
    files.write(GOOD + "key = 'neverShow'\n")

    problems = files.problems({"FIRMTRAIL_AGENT_API_KEY": "neverShow"}, ["server.url=http://user:neverShow@h"])

    assert len(problems) == 3
    assert "neverShow" not in "".join(problems)


def test_an_unknown_variable_is_named_with_the_one_that_was_meant(files: Files) -> None:
    files.write(GOOD)

    assert files.problems({"FIRMTRAIL_AGENT_SERVER_ULR": "http://h"}) == [
        "FIRMTRAIL_AGENT_SERVER_ULR: there is no such variable; did you mean FIRMTRAIL_AGENT_SERVER_URL?"
    ]


def test_a_setting_without_a_value_is_refused(files: Files) -> None:
    files.write(GOOD)

    assert files.problems(settings=["report"]) == [
        "--set: takes KEY=VALUE, such as report.interval_seconds=600",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\n[server\n", ": is not valid TOML: Expected ']' at the end of a table declaration (at line 2, column 8)"),
        (b"\n\xff", ", line 2: is not UTF-8 text"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, ": is not valid TOML: maximum recursion depth exceeded"),
        (b"x = " + b"9" * 5000, ": is not valid TOML: Exceeds the limit (4300 digits)"),
    ],
)
def test_a_file_that_is_no_toml_is_named(files: Files, content: bytes, problem: str) -> None:
    files.write(content)

    assert files.problems()[0].startswith(f"etc/firmtrail-agent/config.toml{problem}")


@pytest.mark.parametrize("path", [SYSTEM, "etc/firmtrail-agent/config.d/1.toml"])
def test_a_file_of_windows_is_read(files: Files, path: str) -> None:
    files.write(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(), path)

    assert str(files.load().device_id) == DEVICE_ID


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_named_and_not_waited_for(files: Files, make: Callable[[Path], None]) -> None:
    files.write(GOOD)
    (files.root / "etc/firmtrail-agent/config.d").mkdir()
    make(files.root / "etc/firmtrail-agent/config.d/1.toml")

    assert files.problems() == ["etc/firmtrail-agent/config.d/1.toml: cannot be read: it is no regular file"]


def test_a_directory_of_drop_ins_that_cannot_be_read_is_named(files: Files) -> None:
    files.write(GOOD)
    files.write("", "etc/firmtrail-agent/config.d")

    assert files.problems() == ["etc/firmtrail-agent/config.d: cannot be read: Not a directory"]


def test_a_value_in_the_place_of_a_table_is_told_how_tables_are_written(files: Files) -> None:
    files.write(f'report = "often"\n{GOOD}')

    assert files.problems() == ["etc/firmtrail-agent/config.toml, line 1: report must be a table, headed [report]"]


def test_all_problems_of_all_layers_are_listed_at_once(files: Files) -> None:
    files.write("[server]\nurl = 3\n", VENDOR)
    files.write("[device]\nid = 'x'\n[report]\ninterval_seconds = 1\n")
    files.write("[", "etc/firmtrail-agent/config.d/10.toml")

    problems = files.problems({"FIRMTRAIL_AGENT_X": "1"}, ["y=1"])

    assert [problem.partition(":")[0] for problem in problems] == [
        "etc/firmtrail-agent/config.d/10.toml",
        "FIRMTRAIL_AGENT_X",
        "--set y",
        "usr/lib/firmtrail-agent/config.toml, line 2",
        "etc/firmtrail-agent/config.toml, line 2",
        "etc/firmtrail-agent/config.toml, line 4",
    ]
