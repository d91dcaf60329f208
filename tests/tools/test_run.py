"""./dev run as a newcomer meets it: the real server with its own database, the real agent, what they show, the end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 120


@contextmanager
def new_data_dir() -> Generator[Path]:
    """A folder in the temporary directory itself: pytest's own is closed to the user that PostgreSQL runs as."""
    folder = Path(tempfile.gettempdir()) / f"firmtrail-demo-{uuid.uuid4().hex[:12]}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data_dir() -> Generator[Path]:
    with new_data_dir() as folder:
        yield folder


def command(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, ROOT / "tools" / "run.py", *arguments]


def environment() -> dict[str, str]:
    """One in which nothing of this machine's own configuration is heard."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def run_once(data_dir: Path) -> str:
    done = run("--once", "--no-fleet", "--port", "0", "--data-dir", data_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Demo:
    """A demo that runs, and what it has shown so far."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        arguments = command("--port", "0", "--data-dir", data_dir, *options)
        self.process = subprocess.Popen(
            arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        self.shown = ""
        for line in self.process.stdout:
            self.shown += line
            if line.startswith("Running."):
                return
        pytest.fail(f"It ended by itself:\n{self.shown}")

    def section(self, title: str) -> str:
        """The lines under a title, to the next empty one."""
        return self.shown.split(title, 1)[1].split("\n", 1)[1].split("\n\n", 1)[0]

    @property
    def url(self) -> str:
        match = re.search(r"http://127\.0\.0\.1:\d+", self.shown)
        assert match
        return match[0]

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=TIMEOUT_SECONDS)
        return self.process.returncode


@pytest.fixture(scope="module")
def demo() -> Generator[Demo]:
    """One that runs for all tests that only look."""
    with new_data_dir() as folder:
        running = Demo(folder)
        yield running
        running.stop(signal.SIGINT)


def test_it_shows_what_this_machine_runs(demo: Demo) -> None:
    assert "What Test Device runs, and what it ran" in demo.shown
    assert re.search(r"\bmain\b.*\byes\b", demo.shown)


def test_it_shows_a_device_that_ran_several_versions(demo: Demo) -> None:
    rows = re.findall(r"^ +main +(\S+) .*?(yes)?\s*$", demo.shown.split("What pump-7 runs", 1)[1], re.MULTILINE)
    assert rows == [("1.3.2", ""), ("1.4.0", ""), ("1.4.1", ""), ("1.4.0", ""), ("1.5.0", "yes")]


def test_it_answers_what_that_device_ran_on_a_day(demo: Demo) -> None:
    assert re.search(r"^What pump-7 ran on \d+ \w+ \d{4}: main 1\.4\.1$", demo.shown, re.MULTILINE)


def test_it_shows_a_fleet_with_silent_devices(demo: Demo) -> None:
    assert "A made-up fleet of 80 devices: 4 silent, 2 never heard of" in demo.shown
    assert re.search(r"^main +\d+ on 1\.6\.0, \d+ on 1\.5\.1", demo.section("A made-up fleet"), re.MULTILINE)


def test_the_question_shown_about_the_fleet_works_when_pasted(demo: Demo) -> None:
    command = demo.section("Ask about the fleet")

    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "1.6.0" in done.stdout, done.stderr


def test_the_fleet_can_be_left_out(data_dir: Path) -> None:
    assert "fleet" not in run_once(data_dir)


def test_it_shows_no_colours_where_there_is_no_terminal(demo: Demo) -> None:
    assert "\x1b" not in demo.shown


def test_keys_are_kept_for_the_owner_alone(demo: Demo) -> None:
    files = (demo.data_dir / "demo").iterdir()

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files if file.is_file()}

    assert modes == {"agent.key": 0o600, "agent.toml": 0o600, "project.json": 0o600}


def test_the_second_start_keeps_the_project_and_its_history(data_dir: Path) -> None:
    run_once(data_dir)
    first = (data_dir / "demo" / "project.json").read_text()

    run_once(data_dir)

    assert (data_dir / "demo" / "project.json").read_text() == first


def test_another_database_gets_a_project_of_its_own(data_dir: Path) -> None:
    run_once(data_dir)
    kept = data_dir / "demo" / "project.json"
    stranger = json.loads(kept.read_text())
    stranger["project_api_key"]["id"] = str(uuid.uuid4())
    kept.write_text(json.dumps(stranger))

    run_once(data_dir)

    assert json.loads(kept.read_text())["project"]["id"] != stranger["project"]["id"]


def test_the_python_shown_works_when_pasted(demo: Demo) -> None:
    snippet = demo.section("Read it from Python")

    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=False)

    assert re.search(r"^main ", done.stdout, re.MULTILINE), done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_commands_shown_work_when_pasted(demo: Demo) -> None:
    report = subprocess.run(["sh", "-c", f"{demo.section('Report a new')} -s"], capture_output=True, check=False)
    read = subprocess.run(["sh", "-c", f"{demo.section('Read the history')} -s"], capture_output=True, check=False)
    question = demo.section("What pump-7 ran on").partition("\n")[0]
    past = subprocess.run(["sh", "-c", f"{question} -s"], capture_output=True, check=False)

    assert json.loads(report.stdout)["outcome"] == "opened"
    assert json.loads(read.stdout)["items"][-1]["version"] == json.loads(report.stdout)["version"]
    assert [period["version"] for period in json.loads(past.stdout)["items"]] == ["1.4.1"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order(data_dir: Path, number: signal.Signals) -> None:
    demo = Demo(data_dir, "--no-fleet")

    exit_code = demo.stop(number)

    assert exit_code == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{demo.url}/healthz")


def test_a_taken_port_is_one_sentence(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("--once", "--port", str(taken.getsockname()[1]), "--data-dir", data_dir)

    assert done.returncode != 0
    assert re.fullmatch(r"dev run: .* port .*\n", done.stderr)


def test_an_unusable_data_directory_is_one_sentence(data_dir: Path) -> None:
    data_dir.write_text("a file where a folder should be")

    done = run("--once", "--port", "0", "--data-dir", data_dir)
    data_dir.unlink()

    assert done.returncode != 0
    assert re.fullmatch(rf"dev run: .*{data_dir}.*\n", done.stderr)
