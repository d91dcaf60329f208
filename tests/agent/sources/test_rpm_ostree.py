"""rpm-ostree: what is booted, and never what is staged.

The keys are those of rpm-ostree 2024, as its own test data show them (rust/rpmostree-client/tests/fixtures).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from firmtrail_agent.sources.builtin.rpm_ostree import RpmOstree, booted_version
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceFailed
from tests.agent.sources.support.damaged import like
from tests.agent.sources.support.readings import RECORDED, printing, program, read, write

STATUS = (RECORDED / "rpm-ostree-status.json").read_text()
BOOTED = "run/ostree-booted"
LONG_MANIFEST = '"ostree.manifest" : "%s", "ostree.tar-filtered"' % ("x" * 200_000)


def test_the_version_of_the_booted_deployment_is_taken(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")
    program(tmp_path, "usr/bin/rpm-ostree", f"sys.argv[1:] == ['status', '--json'] and print({STATUS!r})")

    reading = read(RpmOstree(), tmp_path)

    assert (reading.component, reading.version, reading.detail) == (
        "main",
        "40.20240808.3.0",
        "rpm-ostree status --json",
    )


def test_the_manifest_of_a_container_image_does_not_make_it_too_long(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")
    printing(tmp_path, "usr/bin/rpm-ostree", STATUS.replace('"ostree.tar-filtered"', LONG_MANIFEST))

    assert read(RpmOstree(), tmp_path).version == "40.20240808.3.0"


def test_a_device_that_merely_has_the_tool_is_another_device(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/rpm-ostree", STATUS)

    (reading,) = read_source(RpmOstree(), tmp_path, required=False)

    assert reading.is_absent


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (STATUS.replace('"booted" : true', '"booted" : false'), "marks 0 deployments as booted"),
        (STATUS.replace('"booted" : false', '"booted" : true'), "marks 2 deployments as booted"),
        (STATUS.replace('"booted" : true', '"booted" : "true"'), "marks 0 deployments as booted"),
        ('{"deployments": [{"booted": true}]}', "the booted deployment has no version"),
        ('{"deployments": {}}', "marks 0 deployments as booted"),
        ("[]", "marks 0 deployments as booted"),
        ("error: no", "is not JSON"),
    ],
)
def test_a_status_that_does_not_tell_what_is_booted_is_an_error(output: str, error: str) -> None:
    with pytest.raises(SourceFailed, match=error):
        booted_version(output)


@given(like(STATUS, "deployments", "booted", "version"))
@settings(deadline=None)
def test_whatever_it_prints_there_is_a_version_or_an_error(output: str) -> None:
    try:
        version = booted_version(output)
    except SourceFailed:
        return
    assert isinstance(version, str)
