"""A configured program, as a real process: what becomes of what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.sources import Reading
from firmtrail_agent.sources.builtin.command import Command
from tests.agent.sources.support.readings import printing, problem_of, program, read, write

FILE = "/opt/vendor/modem-version"
TABLE = '[[sources]]\ntype = "command"\ncomponent = "modem"\n'
COMMAND = Command(component="modem", argv=[FILE, "--short", "a b", "$HOME;*"])


def error(source: Command, root: Path) -> str:
    reading = read(source, root)
    assert reading.version is None
    return reading.error or ""


def test_it_gives_the_first_line_that_is_printed(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "  EG25GGBR07A08M2G \nrevision 3\n")

    reading = read(COMMAND, tmp_path)

    assert (reading.component, reading.version, reading.error) == ("modem", "EG25GGBR07A08M2G", None)
    assert reading.detail == f"the output of {tmp_path}{FILE}"


def test_a_path_that_no_disk_can_hold_is_no_program_that_is_not_there(tmp_path: Path) -> None:
    assert "File name too long" in error(Command(component="modem", argv=["/" + "a" * 256]), tmp_path)


def test_its_arguments_reach_it_as_they_are_without_a_shell(tmp_path: Path) -> None:
    program(tmp_path, FILE, "print('|'.join(sys.argv[1:]))")

    assert read(COMMAND, tmp_path).version == "--short|a b|$HOME;*"


def test_it_gets_nothing_of_the_agents_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    program(tmp_path, FILE, "print(sorted(set(os.environ) - {'LC_CTYPE'}), os.getcwd(), sys.stdin.read())")

    assert read(COMMAND, tmp_path).version == "['LC_ALL', 'PATH'] /"


def test_a_pointer_leads_into_what_it_prints(tmp_path: Path) -> None:
    printing(tmp_path, FILE, '{"modem": {"firmware": "7.1"}}')

    assert read(Command(component="m", argv=[FILE], pointer="/modem/firmware"), tmp_path).version == "7.1"


def test_a_pattern_searches_what_it_prints(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "Quectel\nRevision: 7.1\nOK\n")

    assert read(Command(component="m", argv=[FILE], pattern="Revision: (.*)"), tmp_path).version == "7.1"


def test_a_program_that_prints_nothing_is_an_error(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "")

    assert error(COMMAND, tmp_path) == f"the first line of the output of {tmp_path}{FILE} is empty"


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert error(COMMAND, tmp_path) == f"there is no {tmp_path}{FILE}"


def test_a_program_without_its_interpreter_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, FILE, "#!/nowhere/sh\n").chmod(0o755)

    assert "the interpreter that it names is missing" in error(COMMAND, tmp_path)


def test_a_file_that_may_not_be_run_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, FILE, "1.4.2\n").chmod(0o644)

    assert error(COMMAND, tmp_path) == f"{tmp_path}{FILE} cannot be run: Permission denied"


def test_a_file_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, FILE, b"\x00\x01").chmod(0o755)

    assert error(COMMAND, tmp_path) == f"{tmp_path}{FILE} cannot be run: Exec format error"


def test_a_failing_program_gives_no_version_though_it_printed_one(tmp_path: Path) -> None:
    program(tmp_path, FILE, "print('1.4.2'); sys.stderr.write('first\\nno answer on\\tttyUSB2\\n\\n'); sys.exit(3)")

    assert error(COMMAND, tmp_path) == f"{tmp_path}{FILE} failed with exit code 3: no answer on?ttyUSB2"


def test_a_program_that_dies_of_a_signal_gives_no_version(tmp_path: Path) -> None:
    program(tmp_path, FILE, "print('1.4.2', flush=True); os.kill(os.getpid(), signal.SIGSEGV)")

    assert error(COMMAND, tmp_path) == f"{tmp_path}{FILE} was killed by signal 11"


def test_output_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    printing(tmp_path, FILE, b"1.4.2\xff\n")

    assert error(COMMAND, tmp_path) == f"the output of {tmp_path}{FILE}: the version is not UTF-8 text"


def test_4_kib_of_output_are_taken(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "1.4.2\n" + "#" * 4090)

    assert read(COMMAND, tmp_path).version == "1.4.2"


def test_one_byte_more_is_too_much(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "1.4.2\n" + "#" * 4091)

    assert "printed more than 4096 bytes" in error(COMMAND, tmp_path)


def test_a_chatty_program_is_killed(tmp_path: Path) -> None:
    program(tmp_path, FILE, "while True: sys.stdout.write('1.4.2\\n')")

    assert error(COMMAND, tmp_path) == f"{tmp_path}{FILE} printed more than 4096 bytes and was killed"


def test_a_program_is_asked_again_each_time_and_an_old_version_is_never_repeated(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "1.4.2")
    assert read(COMMAND, tmp_path).version == "1.4.2"

    program(tmp_path, FILE, "sys.exit(1)")

    assert read(COMMAND, tmp_path) == Reading(
        component="modem", source="command", error=f"{tmp_path}{FILE} failed with exit code 1"
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "line 1: a source of type command needs argv"),
        ("argv = '/bin/x -v'", "line 4: argv must be a list such as"),
        ("argv = []", "line 4: argv must be a list such as"),
        ("argv = ['x']", "line 4: argv must be a list such as"),
        ("argv = ['/x', 1]", "line 4: argv must be a list such as"),
        ("argv = ['/x', \"\\u0000\"]", "line 4: argv must be a list such as"),
        ("argv = ['/x']\ntimeout_seconds = 31", "line 5: timeout_seconds must be a whole number from 1 to 30"),
        ("argv = ['/x']\ntimeout_seconds = 0", "line 5: timeout_seconds must be a whole number from 1 to 30"),
        ("args = ['/x']\nargv = ['/x']", "line 4: a source of type command has no setting args; did you mean argv?"),
        ("argv = ['/x']\npattern = 'x'\npointer = '/x'", "line 1: a source of type command must not have both"),
    ],
)
def test_a_mistake_in_its_table_is_named(tmp_path: Path, keys: str, problem: str) -> None:
    assert problem_of(tmp_path, TABLE + keys).startswith(problem)
