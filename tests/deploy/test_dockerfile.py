"""What must hold for the images, and hadolint does not look at."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from firmtrail_agent.system import directories

TARGETS = ["agent", "server"]


@pytest.fixture(scope="session")
def stages(dockerfile: str) -> dict[str, str]:
    found = re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", dockerfile, re.MULTILINE | re.DOTALL)
    return dict(found)


def test_the_base_image_is_pinned(dockerfile: str) -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=\S+/python:3\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?$", dockerfile, re.MULTILINE)


def test_every_package_allows_the_python_of_the_image(root: Path, dockerfile: str) -> None:
    version = re.search(r"^ARG PYTHON_IMAGE=\S+/python:3\.(\d+)", dockerfile, re.MULTILINE)
    assert version
    for file in (root / "packages").glob("*/pyproject.toml"):
        wanted = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["requires-python"]
        floor = re.fullmatch(r">=3\.(\d+)", wanted)
        assert floor
        assert int(version[1]) >= int(floor[1])


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_runs_as_a_numeric_user_that_is_not_root(stages: dict[str, str], target: str) -> None:
    assert re.findall(r"^USER (.*)$", stages[target], re.MULTILINE) == ["10001:10001"]


def test_the_agent_may_write_where_it_keeps_its_state_and_says_how_it_is_also_on_a_tmpfs(
    stages: dict[str, str],
) -> None:
    state, runtime = directories.state({}, Path("/")), directories.runtime({}, Path("/")).parent

    assert re.search(rf"--owner=10001 --group=10001 --mode=0700 .*{state}\b", stages["agent"])
    assert f"install --directory --mode=1777 {runtime}\n" in stages["agent"]


def test_whatever_is_fetched_must_match_the_locks_hashes(dockerfile: str) -> None:
    commands = re.findall(r"bin/pip .*?(?:download|install|wheel) .*", dockerfile)
    assert commands
    assert [c for c in commands if "--require-hashes" not in c and "--no-index" not in c] == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_holds_its_own_program_only(stages: dict[str, str], target: str) -> None:
    assert re.findall(r"^COPY (.*)$", stages[target], re.MULTILINE) == [
        f"--from={target}-environment /opt/firmtrail /opt/firmtrail"
    ]
    installed = re.findall(r"find-links wheels (.+?) \\$", stages[f"{target}-environment"], re.MULTILINE)
    assert installed == {"agent": ["firmtrail-agent"], "server": ['"firmtrail-server${SERVER_EXTRAS}"']}[target]


def test_only_what_the_dockerfile_copies_reaches_the_build(root: Path, dockerfile: str) -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied)
