"""Mender: the artifact's name in the root file system, and what the client prints of its provides.

The names are those of a device with the client of version 5 (hub.mender.io, topic 7749).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources.builtin.mender import Mender, MenderProvides
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceFailed
from firmtrail_agent.sources.support.files import as_text
from tests.agent.sources.support.readings import (
    configured,
    errors,
    printing,
    problem_of,
    program,
    read,
    versions,
    write,
)

FILE = "etc/mender/artifact_info"
PROVIDES = """\
rootfs-image.checksum=742a1bc8121b30c6f2e0af5c1153d6d679810237dc0edbb00bd0f5d163c0c5fe
rootfs-image.version=os-v0.50.0
rootfs-image.update-module.app.version=app-v1.2.0
artifact_name=app-v1.2.0
"""
CHOSEN = MenderProvides(components={"rootfs-image.version": "main", "rootfs-image.update-module.app.version": "app"})


@pytest.mark.parametrize("content", ["artifact_name=release-1.4.2\n", "# built\nx=y\n artifact_name=release-1.4.2 \n"])
def test_the_name_of_the_artifact_in_the_root_file_system_is_taken(tmp_path: Path, content: str) -> None:
    write(tmp_path, FILE, content)

    reading = read(Mender(), tmp_path)

    assert (reading.component, reading.version, reading.detail) == ("main", "release-1.4.2", f"{tmp_path}/{FILE}")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "has no line artifact_name=..."),
        ("artifact_group=x\n", "has no line artifact_name=..."),
        ("artifact_name\n", "has no line artifact_name=..."),
        ("artifact_name=\n", "is empty"),
        (b"artifact_name=\xff\n", "is not UTF-8 text"),
    ],
)
def test_a_file_without_a_name_is_an_error(tmp_path: Path, content: str | bytes, error: str) -> None:
    write(tmp_path, FILE, content)

    reading = read(Mender(), tmp_path)

    assert reading.version is None
    assert error in (reading.error or "")


def test_a_device_without_mender_is_another_device(tmp_path: Path) -> None:
    (reading,) = read_source(Mender(), tmp_path, required=False)

    assert reading.is_absent


@pytest.mark.parametrize("name", ["mender-update", "mender"])
def test_the_client_tells_what_updates_have_brought(tmp_path: Path, name: str) -> None:
    program(tmp_path, f"usr/bin/{name}", f"sys.argv[1:] == ['show-provides'] and print({PROVIDES!r})")

    assert versions(CHOSEN, tmp_path) == {"main": "os-v0.50.0", "app": "app-v1.2.0"}


def test_the_younger_client_is_asked_where_both_are(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/mender", "rootfs-image.version=old\n")
    printing(tmp_path, "usr/bin/mender-update", PROVIDES)

    assert versions(CHOSEN, tmp_path)["main"] == "os-v0.50.0"


def test_a_provide_that_is_gone_is_an_error_of_its_component_alone(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/mender", "rootfs-image.version=os-v0.50.1\n")

    assert versions(CHOSEN, tmp_path) == {"main": "os-v0.50.1", "app": None}


def test_a_client_that_may_not_read_its_store_is_an_error(tmp_path: Path) -> None:
    program(tmp_path, "usr/bin/mender-update", "sys.stderr.write('Permission denied\\n'); sys.exit(1)")

    assert errors(CHOSEN, tmp_path)["mender-provides"].endswith("failed with exit code 1: Permission denied")


def test_a_device_without_the_client_is_told_so(tmp_path: Path) -> None:
    assert errors(CHOSEN, tmp_path) == {"mender-provides": "there is no program mender-update or mender"}


@given(st.binary(max_size=60).map(lambda rest: b"artifact_name=" + rest) | st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_file_holds_there_is_a_version_or_an_error(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, FILE, content)

    try:
        (found,) = Mender().find(tmp_path)
    except SourceFailed:
        return
    assert found.version in as_text(content).replace("\r", "\n")


def test_provides_have_to_be_chosen(tmp_path: Path) -> None:
    assert problem_of(tmp_path, '[[sources]]\ntype = "mender-provides"') == (
        "line 1: a source of type mender-provides needs components"
    )


def test_names_with_dots_can_be_chosen(tmp_path: Path) -> None:
    table = '[[sources]]\ntype = "mender-provides"\n[sources.components]\n"rootfs-image.version" = "main"\n'

    assert configured(tmp_path, table) == [MenderProvides(components={"rootfs-image.version": "main"})]
