"""fwupd, on what fwupdmgr 2.0.20 printed with the daemon's test device, and on what else there may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from firmtrail_agent.sources.builtin.fwupd import Fwupd, parts
from firmtrail_agent.sources.engine.source import Found, SourceFailed
from tests.agent.sources.support.damaged import like
from tests.agent.sources.support.readings import RECORDED, configured, errors, printing, program, versions

RECORDING = (RECORDED / "fwupd-2.0.20-devices.json").read_text()
WEBCAM = "08d460be0f1f9f128413f816022a6439e0078018"
TWINS = json.dumps(
    {
        "Devices": [
            {"Name": "System Firmware", "DeviceId": "a45df3", "Guid": ["37c944"], "Version": "0.1.52"},
            {"Name": "Solid State Disk", "DeviceId": "71b677", "Guid": ["6e54c9"], "Version": "2B2QGXA7"},
            {"Name": "Solid State Disk", "DeviceId": "03281d", "Guid": ["6e54c9"], "Version": "2B2QEXM7"},
        ]
    }
)
FAILED = '{"Error": {"Domain": "FwupdError", "Code": 4, "Message": "PolicyKit files are missing"}}'


def test_every_device_with_a_version_is_a_component(tmp_path: Path) -> None:
    program(tmp_path, "usr/bin/fwupdmgr", f"sys.argv[1:] == ['get-devices', '--json'] and print({RECORDING!r})")

    assert versions(Fwupd(), tmp_path) == {"integrated-webcam": "1.2.2"}


@pytest.mark.parametrize("name", ["Integrated Webcam™", WEBCAM, "b585990a-003e-5270-89d5-3705a17f9a43"])
def test_a_device_is_chosen_by_its_name_its_id_or_a_guid(tmp_path: Path, name: str) -> None:
    printing(tmp_path, "usr/bin/fwupdmgr", RECORDING)
    (source,) = configured(tmp_path, f'[[sources]]\ntype = "fwupd"\ncomponents = {{ "{name}" = "camera" }}')

    assert versions(source, tmp_path) == {"camera": "1.2.2"}


def test_a_chosen_device_without_a_version_is_an_error(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/fwupdmgr", RECORDING)

    assert errors(Fwupd(components={"EPYC": "cpu"}), tmp_path) == {
        "cpu": "there is no EPYC; there are Integrated Webcam™"
    }


def test_two_devices_chosen_by_one_name_give_no_version(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/fwupdmgr", TWINS)

    error = errors(Fwupd(components={"Solid State Disk": "disk"}), tmp_path)["disk"]
    assert "Solid State Disk, device 71b677" in error
    assert "Solid State Disk, device 03281d" in error


def test_devices_of_one_name_can_be_chosen_by_their_ids(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/fwupdmgr", TWINS)

    assert versions(Fwupd(components={"71b677": "disk-a", "03281d": "disk-b"}), tmp_path) == {
        "disk-a": "2B2QGXA7",
        "disk-b": "2B2QEXM7",
    }


def test_a_daemon_that_refuses_is_an_error(tmp_path: Path) -> None:
    program(tmp_path, "usr/bin/fwupdmgr", f"print({FAILED!r}); sys.exit(1)")

    assert errors(Fwupd(), tmp_path)["fwupd"].endswith("PolicyKit files are missing")


def test_a_device_without_fwupd_is_told_so(tmp_path: Path) -> None:
    assert errors(Fwupd(), tmp_path) == {"fwupd": "there is no program fwupdmgr"}


@pytest.mark.parametrize("output", [FAILED, "[]", '{"Devices": {}}', "WARNING: no daemon", ""])
def test_what_is_no_list_of_devices_is_an_error(output: str) -> None:
    with pytest.raises(SourceFailed):
        list(parts(output))


@given(like(RECORDING, "Devices", "Name", "DeviceId", "Guid", "Version"))
@settings(deadline=None)
def test_whatever_it_prints_there_are_versions_or_an_error(output: str) -> None:
    try:
        found = list(parts(output))
    except SourceFailed:
        return
    assert all(isinstance(part.said, Found) and part.names for part in found)
