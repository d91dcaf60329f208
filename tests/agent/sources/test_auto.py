"""What is asked when the configuration names no source, and who decides about `main`."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.sources import Reading, read_all
from firmtrail_agent.sources.auto import BESIDE, FOR_MAIN
from tests.agent.sources.support.readings import RECORDED, TREES, printing, program, write

DROPPED = "run/firmtrail-agent/versions.d"


def automatic(root: Path) -> dict[str, Reading]:
    """What each component is said to be."""
    return {reading.component: reading for reading in read_all(None, root) if not reading.is_absent}


def not_here(root: Path) -> dict[str, str]:
    """What each source without an answer is said to lack."""
    return {reading.source: reading.detail for reading in read_all(None, root) if reading.is_absent}


def test_all_that_a_device_has_is_given() -> None:
    versions = {component: reading.version for component, reading in automatic(TREES / "debian-12").items()}

    assert versions == {"main": "12", "kernel": "6.1.0-41-amd64", "bios": "N32ET97W (1.73 )"}


def test_what_a_device_does_not_have_is_no_error(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=1\n")

    assert list(automatic(tmp_path)) == ["main"]
    assert not_here(tmp_path)["dmi"] == f"there is no {tmp_path}/sys/class/dmi/id/bios_version"


def test_what_was_asked_is_told_in_the_order_in_which_it_was_asked(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=1\n")
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0\n")

    asked = [reading.source for reading in read_all(None, tmp_path)]

    assert asked == [source.type for source in (*FOR_MAIN, *BESIDE)]


def test_a_device_without_any_source_of_main_is_told_so(tmp_path: Path) -> None:
    main = automatic(tmp_path)["main"]

    assert main.version is None
    assert "name another source" in (main.error or "")


def test_a_dropped_version_of_main_decides_and_less_specific_sources_are_not_asked(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, f"{DROPPED}/main.json", '{"main": "1.4.2"}')

    assert automatic(tmp_path)["main"].version == "1.4.2"
    assert not_here(tmp_path)["os-release"] == "not asked, since drop-directory speaks of main"


def test_dropped_versions_of_other_components_leave_main_to_the_next_source(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, f"{DROPPED}/modem.json", '{"modem": "7"}')

    versions = {component: reading.version for component, reading in automatic(tmp_path).items()}

    assert versions == {"main": "12", "modem": "7"}


def test_a_source_that_fails_is_not_papered_over_by_a_less_specific_one(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, f"{DROPPED}/main.json", '{"main": "1.4')

    assert automatic(tmp_path)["main"].version is None


@pytest.mark.parametrize(
    ("content", "mode", "error"),
    [
        ('{"main": "4.2', 0o644, "firmware.json is not JSON"),
        ('{"main": "4.2.0"}', 0o664, "others than its owner may change"),
        ('{"main": "4.2.0"}' + " " * 5000, 0o644, "firmware.json is larger than 4096 bytes"),
    ],
)
def test_nor_is_a_file_that_fails_and_may_have_spoken_of_main(
    tmp_path: Path, content: str, mode: int, error: str
) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0\n")
    write(tmp_path, f"{DROPPED}/firmware.json", content).chmod(mode)

    readings = automatic(tmp_path)

    assert {component: reading.version for component, reading in readings.items()} == {
        "main": None,
        "firmware": None,
        "kernel": "6.1.0",
    }
    assert (readings["main"].error or "").startswith("it may stand in what fails: ")
    assert error in (readings["main"].error or "")


def test_nor_is_one_that_fails_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, f"{DROPPED}/main.json", "{}").parent.chmod(0o777)

    readings = automatic(tmp_path)

    assert "main" not in readings
    assert "others than its owner may change" in (readings["drop-directory"].error or "")


def test_a_file_that_fails_does_not_matter_to_main_where_another_one_speaks_of_it(tmp_path: Path) -> None:
    write(tmp_path, f"{DROPPED}/main.json", '{"main": "4.2.0"}')
    write(tmp_path, f"{DROPPED}/modem.json", '{"modem')

    readings = automatic(tmp_path)

    assert {component: reading.version for component, reading in readings.items()} == {"main": "4.2.0", "modem": None}


def test_nor_does_a_component_of_which_a_helper_knows_no_version(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, f"{DROPPED}/modem.json", '{"modem": {"error": "no answer"}, "fpga": null}')

    assert automatic(tmp_path)["main"].version == "12"


def test_the_tool_that_manages_the_whole_system_speaks_of_main(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=40\n")
    write(tmp_path, "run/ostree-booted", "")
    printing(tmp_path, "usr/bin/rpm-ostree", (RECORDED / "rpm-ostree-status.json").read_text())
    printing(tmp_path, "usr/bin/bootc", (RECORDED / "bootc-v1-status.json").read_text())

    assert automatic(tmp_path)["main"].version == "40.20240808.3.0"
    assert not_here(tmp_path)["bootc"] == "not asked, since rpm-ostree speaks of main"


def test_a_service_that_does_not_answer_is_not_papered_over_by_os_release(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "etc/rauc/system.conf", "[system]\n")
    program(tmp_path, "usr/bin/rauc", "sys.exit(1)")

    assert automatic(tmp_path)["main"].version is None


def test_of_a_slot_from_the_factory_the_next_source_speaks(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "etc/rauc/system.conf", "[system]\n")
    printing(tmp_path, "usr/bin/rauc", '{"slots": [{"rootfs.0": {"state": "booted"}}]}')

    assert automatic(tmp_path)["main"].version == "12"
    assert not_here(tmp_path)["rauc"] == "RAUC does not know the version of rootfs.0: it has not installed it"


def test_the_artifact_of_mender_speaks_of_main(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "etc/mender/artifact_info", "artifact_name=release-7\n")

    assert automatic(tmp_path)["main"].version == "release-7"


def test_the_only_line_of_sw_versions_speaks_of_main(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "etc/sw-versions", "software 1.0.1\n")

    assert automatic(tmp_path)["main"].version == "1.0.1"


def test_several_lines_of_sw_versions_are_components_and_leave_main_to_os_release(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "etc/sw-versions", (RECORDED / "sw-versions").read_text())

    versions = {component: reading.version for component, reading in automatic(tmp_path).items()}

    assert versions == {"u-boot": "2018.05-gardena-1", "kernel": "4.14.63", "rootfs": "2.10.3", "main": "12"}


def test_a_component_that_has_a_speaker_is_not_asked_about_again(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=12\n")
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0\n")
    write(tmp_path, f"{DROPPED}/kernel.json", '{"kernel": "6.1.0-custom"}')

    assert automatic(tmp_path)["kernel"].version == "6.1.0-custom"


def test_the_boot_loader_is_found_in_the_device_tree(tmp_path: Path) -> None:
    write(tmp_path, "sys/firmware/devicetree/base/chosen/u-boot,version", b"2023.04\0")

    assert automatic(tmp_path)["bootloader"].version == "2023.04"
