"""The directory where helpers leave versions: good files, and all that a broken or hostile helper can leave."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources import read_all
from firmtrail_agent.sources.builtin.drop_directory import DropDirectory
from tests.agent.sources.support.readings import configured, errors, problem_of, versions, write

PLACE = "run/firmtrail-agent/versions.d"
DROPPED = DropDirectory()


def drop(root: Path, name: str, content: str | bytes) -> Path:
    return write(root, f"{PLACE}/{name}", content)


def test_every_file_gives_its_components(tmp_path: Path) -> None:
    drop(tmp_path, "modem.json", '{"modem": "EG25GGBR07A08M2G"}')
    drop(tmp_path, "boards.json", '{"fpga": 1.10, "psu": "7"}')

    assert versions(DROPPED, tmp_path) == {"modem": "EG25GGBR07A08M2G", "fpga": "1.10", "psu": "7"}


def test_a_version_says_which_file_it_comes_from(tmp_path: Path) -> None:
    file = drop(tmp_path, "modem.json", '{"modem": "1"}')

    assert [reading.detail for reading in read_all([DROPPED], tmp_path)] == [str(file)]


@pytest.mark.parametrize("after", ["", "\r\n", "\r\n\x1a", "\0\0"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_any_editor_is_read(tmp_path: Path, encoding: str, after: str) -> None:
    drop(tmp_path, "modem.json", f'{{"modem": "1"}}{after}'.encode(encoding))

    assert versions(DROPPED, tmp_path) == {"modem": "1"}


def test_files_with_other_names_are_not_read(tmp_path: Path) -> None:
    drop(tmp_path, "modem.json", '{"modem": "1"}')
    for name in (".modem.json", "modem.json.tmp", "README"):
        drop(tmp_path, name, '{"wrong": "1"}')

    assert versions(DROPPED, tmp_path) == {"modem": "1"}


def test_a_helper_can_say_that_it_does_not_know(tmp_path: Path) -> None:
    drop(tmp_path, "modem.json", '{"modem": {"error": "no answer\\non ttyUSB2"}, "fpga": "1"}')

    assert versions(DROPPED, tmp_path) == {"modem": None, "fpga": "1"}
    assert errors(DROPPED, tmp_path)["modem"].endswith("modem.json says: no answer on ttyUSB2")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "is not JSON"),
        (b'{"modem": "1', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b'["modem"]', "is not a JSON object, but a list"),
        (b'{"modem": ["1"]}', "modem must be a version, or an object such as"),
        (b'{"modem": null}', "modem must be a version, or an object such as"),
        (b'{"modem": {"version": "1"}}', "modem must be a version, or an object such as"),
        (b'{"modem": "1", "modem": "2"}', "a key of an object stands there twice"),
        (b'{"modem": "1"}' + b" " * 4096, "is larger than 4096 bytes"),
        (b'{"modem": "%s"}' % (b"1" * 129), "the version must have at most 128 characters"),
    ],
)
def test_a_broken_file_is_an_error_of_its_component_alone(tmp_path: Path, content: bytes, error: str) -> None:
    drop(tmp_path, "modem.json", content)
    drop(tmp_path, "fpga.json", '{"fpga": "1"}')

    assert versions(DROPPED, tmp_path) == {"modem": None, "fpga": "1"}
    assert error in errors(DROPPED, tmp_path)["modem"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    drop(tmp_path, "fpga.json", '{"fpga": "1"}')
    secret = write(tmp_path, "secret", '{"modem": "1"}')
    (tmp_path / PLACE / "modem.json").symlink_to(secret)

    assert versions(DROPPED, tmp_path) == {"modem": None, "fpga": "1"}
    assert errors(DROPPED, tmp_path)["modem"].endswith("modem.json is a symbolic link, not a regular file")


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / PLACE).mkdir(parents=True)
    os.mkfifo(tmp_path / PLACE / "modem.json")

    assert errors(DROPPED, tmp_path)["modem"].endswith("modem.json is a named pipe, not a regular file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = drop(tmp_path, "modem.json", '{"modem": "1"}')
    os.chown(file, 12345, 12345)

    assert errors(DROPPED, tmp_path) == {
        "modem": f"{file} belongs to user 12345; only root may say what runs: chown root {file}"
    }


def test_a_file_that_others_may_change_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = drop(tmp_path, "modem.json", '{"modem": "1"}')
    file.chmod(0o666)

    assert errors(DROPPED, tmp_path) == {"modem": f"others than its owner may change {file}: chmod go-w {file}"}


def test_a_directory_into_which_others_may_write_is_refused_whole(tmp_path: Path) -> None:
    folder = drop(tmp_path, "modem.json", '{"modem": "1"}').parent
    folder.chmod(0o1777)

    assert errors(DROPPED, tmp_path) == {
        "drop-directory": f"others than its owner may change {folder}: chmod go-w {folder}"
    }


def test_two_files_that_speak_of_one_component_give_no_version_and_are_both_named(tmp_path: Path) -> None:
    first, second = drop(tmp_path, "a.json", '{"modem": "1"}'), drop(tmp_path, "b.json", '{"Modem": "2"}')

    assert versions(DROPPED, tmp_path) == {"modem": None}
    assert f"({first}) and drop-directory ({second})" in errors(DROPPED, tmp_path)["modem"]


def test_a_flood_of_files_is_refused(tmp_path: Path) -> None:
    for number in range(65):
        drop(tmp_path, f"{number}.json", "{}")

    assert "holds more than 64 files" in errors(DROPPED, tmp_path)["drop-directory"]


def test_a_flood_of_components_is_refused(tmp_path: Path) -> None:
    for name in "ab":
        drop(tmp_path, f"{name}.json", json.dumps({f"{name}{number}": "1" for number in range(40)}))

    assert "more than 64 components" in errors(DROPPED, tmp_path)["drop-directory"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_configured_directory_without_a_file_is_an_error(tmp_path: Path, is_there: bool) -> None:  # noqa: FBT001  a parameter of a test
    if is_there:
        (tmp_path / PLACE).mkdir(parents=True)

    assert errors(DROPPED, tmp_path)["drop-directory"].startswith("there is no ")


def test_a_file_in_the_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, PLACE, "{}")

    assert errors(DROPPED, tmp_path)["drop-directory"].endswith("is no directory")


def test_a_removed_file_takes_its_version_with_it(tmp_path: Path) -> None:
    drop(tmp_path, "fpga.json", '{"fpga": "1"}')
    file = drop(tmp_path, "modem.json", '{"modem": "1"}')
    assert versions(DROPPED, tmp_path) == {"fpga": "1", "modem": "1"}

    file.unlink()

    assert versions(DROPPED, tmp_path) == {"fpga": "1"}


def test_chosen_components_must_be_there_and_others_are_not_taken(tmp_path: Path) -> None:
    drop(tmp_path, "all.json", '{"EG25": "1", "other": "2"}')
    (source,) = configured(
        tmp_path, '[[sources]]\ntype = "drop-directory"\ncomponents = { EG25 = "modem", fpga = "fpga" }\n'
    )

    assert versions(source, tmp_path) == {"modem": "1", "fpga": None}
    assert errors(source, tmp_path) == {"fpga": "there is no fpga; there are EG25, other"}


def test_a_chosen_component_that_may_stand_in_a_broken_file_says_so(tmp_path: Path) -> None:
    file = drop(tmp_path, "firmware.json", b"\xff")

    assert errors(DropDirectory(components={"main": "main"}), tmp_path) == {
        "main": f"it may stand in what fails: {file} is not JSON: Expecting value: line 1 column 1 (char 0)"
    }


def test_two_directories_may_be_read_where_each_speaks_of_something_else(tmp_path: Path) -> None:
    drop(tmp_path, "modem.json", '{"modem": "1"}')
    write(tmp_path, "run/vendor/fpga.json", '{"fpga": "2"}')
    table = '[[sources]]\ntype = "drop-directory"\n'

    readings = read_all(configured(tmp_path, f'{table}{table}path = "/run/vendor"\n'), tmp_path)

    assert {reading.component: reading.version for reading in readings} == {"modem": "1", "fpga": "2"}


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_file_holds_the_others_are_read(tmp_path: Path, content: bytes) -> None:
    drop(tmp_path, "other.json", '{"other-component": "1"}')
    drop(tmp_path, "modem.json", content)

    said = {reading.component: reading for reading in read_all([DROPPED], tmp_path)}

    assert said["other-component"].version == "1"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("path = 'run'", "line 3: path must be an absolute path"),
        ("components = []", "line 3: components must be a table such as"),
        ("components = {}", "line 3: components must be a table such as"),
        ("components = { x = 'A' }", "line 3: components must be a table such as"),
        ("components = { x = 'a', y = 'a' }", "line 3: components must name each component once"),
        ("component = 'x'", "line 3: a source of type drop-directory has no setting component; did you mean"),
    ],
)
def test_a_mistake_in_its_table_is_named(tmp_path: Path, keys: str, problem: str) -> None:
    assert problem_of(tmp_path, f'[[sources]]\ntype = "drop-directory"\n{keys}').startswith(problem)


def test_a_helper_says_that_a_component_is_gone(tmp_path: Path) -> None:
    drop(tmp_path, "modem.json", '{"modem": {"gone": true}, "fpga": "1"}')

    gone = {reading.component: reading.gone for reading in read_all([DROPPED], tmp_path)}

    assert gone == {"modem": True, "fpga": False}
    assert errors(DROPPED, tmp_path) == {}


@pytest.mark.parametrize("said", ['{"gone": false}', '{"gone": "yes"}', '{"gone": true, "error": "no answer"}'])
def test_a_helper_that_does_not_say_so_plainly_says_of_nothing_that_it_is_gone(tmp_path: Path, said: str) -> None:
    drop(tmp_path, "modem.json", f'{{"modem": {said}}}')

    assert [bool(one.error) and not one.gone for one in read_all([DROPPED], tmp_path)] == [True]
