"""When .venv is made, refreshed, and left alone. A script stands in for uv and writes down what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = f"""#!/bin/sh
for last; do :; done
case $1 in
venv) mkdir -p "$last/bin" && ln -sf {sys.executable} "$last/bin/python" && echo made >> asked ;;
pip) echo "installed ${{last##*/}}" >> asked ;;
esac
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of empty packages and locks, with nothing but the script under test."""
    root = tmp_path / "workspace"
    for name in ("contract", "postgres", "sdk", "device-agent", "server"):
        (root / "packages" / name).mkdir(parents=True)
        (root / "packages" / name / "pyproject.toml").touch()
    (root / "bench").mkdir()
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "bench/requirements.lock"):
        (root / name).touch()
    (root / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "prepare.py", root / "tools")
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin" / "uv"
    uv.write_text(STAND_IN)
    uv.chmod(0o755)
    return root


def start(root: Path, kind: str) -> subprocess.Popen[str]:
    path = f"{root.parent / 'bin'}:{os.environ['PATH']}"
    return subprocess.Popen(
        [sys.executable, "-I", root / "tools" / "prepare.py", kind],
        env={**os.environ, "PATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )


def prepare(root: Path, kind: str) -> list[str]:
    """What was asked of uv meanwhile."""
    process = start(root, kind)
    _, said = process.communicate()
    assert process.returncode == 0, said
    return asked(root)


def asked(root: Path) -> list[str]:
    file = root / "asked"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def test_the_first_time_makes_the_environment_and_installs_the_lock_and_the_packages(workspace: Path) -> None:
    assert prepare(workspace, "run") == ["made", "installed requirements.lock", "installed server"]


def test_the_second_time_does_nothing(workspace: Path) -> None:
    prepare(workspace, "run")

    assert prepare(workspace, "run") == []


def test_the_development_tools_are_installed_when_they_are_asked_for(workspace: Path) -> None:
    prepare(workspace, "run")

    assert prepare(workspace, "dev") == ["installed requirements-dev.lock", "installed server"]


def test_the_development_tools_include_what_running_needs(workspace: Path) -> None:
    prepare(workspace, "dev")

    assert prepare(workspace, "run") == []


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "packages/sdk/pyproject.toml"])
def test_a_changed_file_installs_again(workspace: Path, name: str) -> None:
    prepare(workspace, "run")
    (workspace / name).write_text("# changed")

    assert prepare(workspace, "run") == ["installed requirements.lock", "installed server"]


def test_the_peers_of_the_benchmarks_get_an_environment_of_their_own_without_our_packages(workspace: Path) -> None:
    prepare(workspace, "run")

    assert prepare(workspace, "bench") == ["made", "installed requirements.lock"]
    assert prepare(workspace, "bench") == []
    assert (workspace / ".venv-bench" / "bin" / "python").exists()


def test_the_peers_are_left_alone_when_ours_changes(workspace: Path) -> None:
    prepare(workspace, "bench")
    (workspace / "pyproject.toml").write_text("# changed")

    assert prepare(workspace, "bench") == []


def test_a_workspace_that_was_moved_gets_a_new_environment(workspace: Path) -> None:
    prepare(workspace, "run")
    moved = workspace.rename(workspace.with_name("moved"))

    assert prepare(moved, "run")[0] == "made"


def test_an_environment_whose_python_is_gone_is_made_anew(workspace: Path) -> None:
    prepare(workspace, "run")
    (workspace / ".venv" / "bin" / "python").unlink()

    assert prepare(workspace, "run")[0] == "made"


def test_several_at_once_install_once(workspace: Path) -> None:
    processes = [start(workspace, "run") for _ in range(4)]
    for process in processes:
        process.communicate()

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert asked(workspace) == ["made", "installed requirements.lock", "installed server"]


def test_an_installation_that_fails_is_said_and_tried_again(workspace: Path) -> None:
    uv = workspace.parent / "bin" / "uv"
    uv.write_text(STAND_IN.replace("pip) echo", "pip) exit 1; echo"))
    process = start(workspace, "run")
    _, said = process.communicate()
    uv.write_text(STAND_IN)

    assert process.returncode == 1
    assert "This failed, see above: " in said
    assert prepare(workspace, "run")[-1] == "installed server"
