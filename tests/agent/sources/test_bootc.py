"""bootc: the image that is booted, and never the staged one.

The keys are those of bootc's API org.containers.bootc/v1, as its own test data show them (lib/src/fixtures).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from firmtrail_agent.sources.builtin.bootc import Bootc, booted_version
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from tests.agent.sources.support.damaged import like
from tests.agent.sources.support.readings import RECORDED, printing, program, read, write

STATUS = (RECORDED / "bootc-v1-status.json").read_text()
BOOTED = "run/ostree-booted"


def test_the_version_of_the_booted_image_is_taken(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")
    program(tmp_path, "usr/bin/bootc", f"sys.argv[1:] == ['status', '--json'] and print({STATUS!r})")

    reading = read(Bootc(), tmp_path)

    assert (reading.component, reading.version, reading.detail) == ("main", "stream9.20240807.0", "bootc status --json")


def test_a_tool_that_wants_to_be_root_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")
    program(tmp_path, "usr/bin/bootc", "sys.stderr.write('error: requires root privileges\\n'); sys.exit(1)")

    assert (read(Bootc(), tmp_path).error or "").endswith("requires root privileges")


def test_a_device_that_merely_has_the_tool_is_another_device(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/bootc", STATUS)

    (reading,) = read_source(Bootc(), tmp_path, required=False)

    assert reading.is_absent


@pytest.mark.parametrize(
    "output",
    [
        '{"status": {"staged": null, "booted": null, "rollback": null, "type": null}}',
        '{"status": {"booted": {"image": null, "ostree": {"checksum": "f9fa3a"}}}}',
    ],
)
def test_a_system_that_is_no_image_is_another_system(output: str) -> None:
    with pytest.raises(SourceAbsent, match="no container image"):
        booted_version(output)


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (STATUS.replace('"version":"stream9.20240807.0"', '"version":null'), "the booted image has no version"),
        ('{"status": {"booted": {"image": []}}}', "the booted image has no version"),
        ("apiVersion: org.containers.bootc/v1", "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_a_status_that_does_not_tell_the_version_is_an_error(output: str, error: str) -> None:
    with pytest.raises(SourceFailed, match=error):
        booted_version(output)


@given(like(STATUS, "status", "booted", "image", "version"))
@settings(deadline=None)
def test_whatever_it_prints_there_is_a_version_or_an_error(output: str) -> None:
    try:
        version = booted_version(output)
    except (SourceAbsent, SourceFailed):
        return
    assert isinstance(version, str)
