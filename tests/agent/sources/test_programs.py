"""Everything a program can do instead of printing a version and ending, by real processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from firmtrail_agent.sources.engine.source import SourceFailed
from firmtrail_agent.sources.support.programs import Program, output_of
from tests.agent.sources.support.readings import printing, program

FILE = "/opt/vendor/modem-version"
FOR_EVER = "time.sleep(600)"


def output(root: Path) -> str:
    return output_of(Program([f"{root}{FILE}"], f"{root}{FILE}"), max_bytes=4096)


def error(root: Path) -> str:
    """Ask a program that would not end while the test runs."""
    with pytest.raises(SourceFailed) as caught:
        output_of(Program([f"{root}{FILE}"], f"{root}{FILE}"), max_bytes=4096, timeout_seconds=0.5)
    return str(caught.value)


def until(condition: Callable[[], bool]) -> bool:
    """Wait for what another process does; a kill takes a moment to be one."""
    for _ in range(2000):
        if condition():
            return True
        time.sleep(0.005)
    return False


def is_gone(pid_file: Path) -> bool:
    """Tell whether the process is dead, buried or not."""
    try:
        status = Path(f"/proc/{pid_file.read_text()}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_a_program_that_complains_without_end_is_killed_in_time(tmp_path: Path) -> None:
    program(tmp_path, FILE, "while True: sys.stderr.write('no\\n')")

    assert error(tmp_path) == f"{tmp_path}{FILE} did not end within 0.5 s and was killed"


@pytest.mark.parametrize(
    "behaviour",
    [
        FOR_EVER,
        f"print('1.4.2', flush=True); {FOR_EVER}",
        f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOR_EVER}",
        f"print('1.4.2', flush=True); os.close(1); os.close(2); {FOR_EVER}",
        "os.kill(os.getpid(), signal.SIGSTOP)",
    ],
    ids=["silent", "after output", "ignoring SIGTERM", "with its output closed", "stopped"],
)
def test_a_program_that_does_not_end_is_killed(tmp_path: Path, behaviour: str) -> None:
    program(tmp_path, FILE, f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); {behaviour}")

    assert error(tmp_path) == f"{tmp_path}{FILE} did not end within 0.5 s and was killed"
    assert until(lambda: is_gone(tmp_path / "pid"))


def test_the_children_of_a_program_that_does_not_end_are_killed_too(tmp_path: Path) -> None:
    child = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    program(tmp_path, FILE, f"if not os.fork():\n  {child}\n{FOR_EVER}")

    assert "did not end within 0.5 s" in error(tmp_path)
    assert until(lambda: is_gone(tmp_path / "pid"))


def test_a_child_left_behind_with_the_output_open_neither_delays_the_version_nor_lives_on(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    child = f"open({str(pid)!r}, 'w').write(str(os.getpid())); os.write(write, b'!'); {FOR_EVER}"
    parent = "os.read(read, 1); print('1.4.2', flush=True); os._exit(0)"
    program(tmp_path, FILE, f"read, write = os.pipe()\nif os.fork():\n  {parent}\n{child}")

    assert output(tmp_path) == "1.4.2\n"
    assert until(lambda: is_gone(pid))


def test_a_daemon_that_left_the_group_does_not_delay_the_version(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    daemon = f"os.setsid(); open({str(pid)!r}, 'w').write(str(os.getpid())); os.write(write, b'!'); {FOR_EVER}"
    parent = "os.read(read, 1); print('7', flush=True); os._exit(0)"
    program(tmp_path, FILE, f"read, write = os.pipe()\nif os.fork():\n  {parent}\n{daemon}")

    printed = output(tmp_path)
    os.kill(int(pid.read_text()), 9)

    assert printed == "7\n"


def test_its_descriptors_are_closed_again(tmp_path: Path) -> None:
    printing(tmp_path, FILE, "1.4.2")
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        output(tmp_path)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_program_need_not_read_what_it_is_given(tmp_path: Path) -> None:
    program(tmp_path, FILE, "os.close(0); print('7')")

    assert output_of(Program([f"{tmp_path}{FILE}"], f"{tmp_path}{FILE}"), max_bytes=10, given=b"x" * 60_000) == "7\n"
