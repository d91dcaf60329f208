"""SWUpdate's sw-versions: the recorded one has the names of a device with three images (smart-garden-gateway)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources import read_all
from firmtrail_agent.sources.auto import read_auto
from firmtrail_agent.sources.builtin.swupdate import Swupdate
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceFailed
from tests.agent.sources.support.readings import FIELD, RECORDED, configured, errors, problem_of, versions, write

FILE = "etc/sw-versions"
THREE = (RECORDED / "sw-versions").read_text()
TABLE = '[[sources]]\ntype = "swupdate"\n'


def test_every_line_gives_a_component(tmp_path: Path) -> None:
    write(tmp_path, FILE, THREE)

    assert versions(Swupdate(), tmp_path) == {"u-boot": "2018.05-gardena-1", "kernel": "4.14.63", "rootfs": "2.10.3"}


def test_chosen_names_become_the_components_that_are_wanted(tmp_path: Path) -> None:
    write(tmp_path, FILE, THREE)
    (source,) = configured(tmp_path, TABLE + 'components = { rootfs = "main", u-boot = "bootloader" }')

    assert versions(source, tmp_path) == {"main": "2.10.3", "bootloader": "2018.05-gardena-1"}


def test_a_chosen_name_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, FILE, THREE)

    assert errors(Swupdate(components={"root": "main"}), tmp_path) == {
        "main": "there is no root; there are u-boot, kernel, rootfs"
    }


def test_the_only_line_speaks_of_the_component_that_was_named_for_it(tmp_path: Path) -> None:
    write(tmp_path, FILE, "software 1.0.1\n")

    assert versions(Swupdate(sole_component="main"), tmp_path) == {"main": "1.0.1"}


def test_one_of_several_lines_is_never_taken_for_the_only_one(tmp_path: Path) -> None:
    write(tmp_path, FILE, "software 1.0.1\nbootloader 7\n")

    assert versions(Swupdate(sole_component="main"), tmp_path) == {"software": "1.0.1", "bootloader": "7"}


def test_a_line_without_a_version_costs_that_line(tmp_path: Path) -> None:
    write(tmp_path, FILE, (FIELD / "03-sw-versions").read_bytes())

    assert versions(Swupdate(), tmp_path) == {"firmware": "0.4.1", "software": "0.9.2", "mcu": None}


def test_a_line_without_a_version_is_no_error_of_main(tmp_path: Path) -> None:
    write(tmp_path, FILE, (FIELD / "03-sw-versions").read_bytes())

    assert {reading.component for reading in read_auto(tmp_path) if reading.error} == {"mcu"}


@pytest.mark.parametrize(
    "line", [b"rootfs", b"rootfs 1 2", b"rootfs \xff", b"rootfs @VERSION@", b"rootfs 1\x07", b"rootfs " + b"9" * 200]
)
def test_a_bad_line_is_an_error_of_what_it_names(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, FILE, b"kernel 6.1\n" + line + b"\napp 7\n")

    assert versions(Swupdate(), tmp_path) == {"kernel": "6.1", "rootfs": None, "app": "7"}


def test_the_only_line_without_a_version_is_an_error_of_main(tmp_path: Path) -> None:
    write(tmp_path, FILE, "rootfs\n")

    assert versions(Swupdate(sole_component="main"), tmp_path) == {"main": None}


def test_a_comment_is_no_line(tmp_path: Path) -> None:
    write(tmp_path, FILE, "# made by the build\nrootfs 1\n")

    assert versions(Swupdate(sole_component="main"), tmp_path) == {"main": "1"}


def test_another_file_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, "tmp/sw-versions", "rootfs 1\n")

    assert versions(Swupdate(path="/tmp/sw-versions"), tmp_path) == {"rootfs": "1"}


@pytest.mark.parametrize("content", ["rootfs\t1.4.2\r\n", "\n\n  rootfs   1.4.2  \n\n", "rootfs 1.4.2"])
def test_blanks_do_not_matter(tmp_path: Path, content: str) -> None:
    write(tmp_path, FILE, content)

    assert versions(Swupdate(), tmp_path) == {"rootfs": "1.4.2"}


def test_a_name_with_two_versions_gives_none(tmp_path: Path) -> None:
    write(tmp_path, FILE, "rootfs 1\nrootfs 2\n")

    assert versions(Swupdate(), tmp_path) == {"rootfs": None}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "is empty"),
        ("# name version\n", "is empty"),
    ],
)
def test_a_malformed_file_is_an_error(tmp_path: Path, content: str | bytes, error: str) -> None:
    write(tmp_path, FILE, content)

    assert error in errors(Swupdate(), tmp_path)["swupdate"]


def test_a_device_without_the_file_is_another_device(tmp_path: Path) -> None:
    (reading,) = read_source(Swupdate(), tmp_path, required=False)

    assert reading.is_absent


@given(st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_file_holds_there_are_versions_or_an_error(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, FILE, content)

    try:
        found = list(Swupdate().find(tmp_path))
    except SourceFailed:
        return
    assert found


def test_two_files_may_be_read_where_each_speaks_of_something_else(tmp_path: Path) -> None:
    write(tmp_path, FILE, "rootfs 1\n")
    write(tmp_path, "data/sw-versions", "app 7\n")
    tables = f'{TABLE}sole_component = "main"\n{TABLE}path = "/data/sw-versions"\nsole_component = "application"\n'

    readings = read_all(configured(tmp_path, tables), tmp_path)

    assert {reading.component: reading.version for reading in readings} == {"main": "1", "application": "7"}


def test_two_files_that_cannot_be_read_are_both_named(tmp_path: Path) -> None:
    readings = read_all(configured(tmp_path, f'{TABLE}\n{TABLE}path = "/data/sw-versions"\n'), tmp_path)

    assert [reading.error for reading in readings] == [
        f"there is no {tmp_path}/etc/sw-versions; there is no {tmp_path}/data/sw-versions"
    ]


def test_a_file_of_one_line_that_is_missing_is_an_error_of_what_that_line_speaks_of(tmp_path: Path) -> None:
    assert errors(Swupdate(sole_component="application"), tmp_path) == {
        "application": f"there is no {tmp_path}/etc/sw-versions"
    }


def test_keys_that_exclude_each_other_are_named(tmp_path: Path) -> None:
    table = f'{TABLE}components = {{ rootfs = "main" }}\nsole_component = "main"'

    assert problem_of(tmp_path, table) == (
        "line 1: a source of type swupdate must not have both components and sole_component"
    )
