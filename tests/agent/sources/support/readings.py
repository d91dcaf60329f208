"""A device's files in a directory of their own, and the questions that the tests put to sources there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmtrail_agent.config.configuration import BadConfiguration, load_sources
from firmtrail_agent.config.layers import Layers
from firmtrail_agent.sources import Reading, Source, read_all

HERE = Path(__file__).parents[1]
TREES = HERE / "trees"
RECORDED = HERE / "recorded"
#: what devices in the field had, each of which was read wrongly once
FIELD = HERE / "field"


def read(source: Source, root: Path) -> Reading:
    """Ask a configured source that speaks of one component."""
    (reading,) = read_all([source], root)
    return reading


def versions(source: Source, root: Path) -> dict[str, str | None]:
    return {reading.component: reading.version for reading in read_all([source], root)}


def errors(source: Source, root: Path) -> dict[str, str]:
    return {reading.component: reading.error for reading in read_all([source], root) if reading.error}


def configured(root: Path, table: str) -> Sequence[Source]:
    """Make the sources of a configuration file."""
    write(root, "etc/firmtrail-agent/config.toml", table)
    return load_sources(Layers(environment={}, root=root)) or ()


def problem_of(root: Path, table: str) -> str:
    """Say what is wrong with a configuration file, which must be one thing."""
    with pytest.raises(BadConfiguration) as caught:
        configured(root, table)
    (problem,) = caught.value.problems
    return problem.replace(f"{root}/etc/firmtrail-agent/config.toml, ", "")


def write(root: Path, path: str, content: str | bytes) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def program(root: Path, path: str, python: str) -> Path:
    """Write a program of the device; `python` is what it does."""
    file = write(root, path, f"#!{sys.executable} -IS\nimport os, signal, sys, time\n{python}\n")
    file.chmod(0o755)
    return file


def printing(root: Path, path: str, output: str | bytes) -> Path:
    """Write a program of the device that prints what was recorded, whatever its arguments are."""
    recorded = output.encode() if isinstance(output, str) else output
    return program(root, path, f"sys.stdout.buffer.write({recorded!r})")
