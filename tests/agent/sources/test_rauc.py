"""RAUC, on what rauc 1.8 of Debian 12 printed and wrote after a real installation; and on what it must not be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources.auto import read_auto
from firmtrail_agent.sources.builtin.rauc import Rauc
from firmtrail_agent.sources.builtin.rauc_status import booted_in_json
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from firmtrail_agent.sources.support.files import as_text
from tests.agent.sources.support.damaged import like
from tests.agent.sources.support.readings import FIELD, RECORDED, printing, problem_of, program, read, write

STATUS = (RECORDED / "rauc-1.8-booted.json").read_text()
CENTRAL = (RECORDED / "rauc-1.8-central.raucs").read_text()
CONF = """\
# of a gateway
[system]
compatible=example-gateway
bootloader=uboot
statusfile=/data/central.raucs

[slot.rootfs.0]
device=/dev/mmcblk0p2
bootname=A

[slot.rootfs.1]
device=/dev/mmcblk0p3
bootname=B
"""
SERVICE, FILES = Rauc(), Rauc(ask="files")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A device with RAUC, booted from its second slot."""
    write(tmp_path, "etc/rauc/system.conf", CONF)
    write(tmp_path, "proc/cmdline", "console=ttyS0 root=/dev/mmcblk0p3 rauc.slot=B rw\n")
    return tmp_path


def error(source: Rauc, root: Path) -> str:
    reading = read(source, root)
    assert reading.version is None
    return reading.error or ""


def test_the_service_tells_the_version_of_the_booted_slot(root: Path) -> None:
    printing(root, "usr/bin/rauc", STATUS)

    reading = read(SERVICE, root)

    assert (reading.component, reading.version) == ("main", "2026.09-1.4.2")
    assert reading.detail == "rauc status --detailed --output-format=json: rootfs.1"


def test_it_is_asked_for_details_in_json(root: Path) -> None:
    program(
        root, "usr/bin/rauc", f"sys.argv[1:] == ['status', '--detailed', '--output-format=json'] and print({STATUS!r})"
    )

    assert read(SERVICE, root).version == "2026.09-1.4.2"


def test_a_service_that_cannot_be_reached_is_an_error(root: Path) -> None:
    program(root, "usr/bin/rauc", "sys.stderr.write('Error retrieving slot status via D-Bus\\n'); sys.exit(1)")

    assert error(SERVICE, root).endswith("failed with exit code 1: Error retrieving slot status via D-Bus")


def test_a_slot_that_came_from_the_factory_has_no_version_that_rauc_knows(root: Path) -> None:
    status = STATUS.replace('"inactive"', '"x"').replace('"booted"', '"inactive"').replace('"x"', '"booted"')
    printing(root, "usr/bin/rauc", status)

    assert "rootfs.0: it has not installed it" in error(SERVICE, root)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (STATUS.replace('"state":"booted"', '"state":"inactive"'), "names 0 booted slots"),
        (STATUS.replace('"state":"inactive"', '"state":"booted"'), "names 2 booted slots"),
        ("{}", "names 0 booted slots"),
        ('{"slots": {}}', "names 0 booted slots"),
        (STATUS[:-20], "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_a_status_that_does_not_tell_the_booted_slot_is_an_error(status: str, error: str) -> None:
    with pytest.raises(SourceFailed, match=error):
        booted_in_json(status, "rauc")


@given(like(STATUS, "slots", "rootfs.0", "state", "slot_status", "bundle", "version"))
@settings(deadline=None)
def test_whatever_it_prints_there_is_a_version_or_an_error(output: str) -> None:
    try:
        _, version = booted_in_json(output, "rauc")
    except (SourceAbsent, SourceFailed):
        return
    assert version is None or json.dumps(version)


def test_a_device_with_the_program_alone_is_no_device_with_rauc(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/rauc", STATUS)

    (reading,) = read_source(SERVICE, tmp_path, required=False)

    assert reading.is_absent


def test_its_files_tell_the_same_without_a_service(root: Path) -> None:
    write(root, "data/central.raucs", CENTRAL)

    reading = read(FILES, root)

    assert (reading.version, reading.detail) == ("2026.09-1.4.2", f"{root}/data/central.raucs: rootfs.1")


@pytest.mark.parametrize("system", ["data-directory=/data", "statusfile=/data/central.raucs"])
def test_the_file_of_all_slots_is_where_the_configuration_puts_it(root: Path, system: str) -> None:
    write(root, "etc/rauc/system.conf", CONF.replace("statusfile=/data/central.raucs", system))
    write(root, "data/central.raucs", CENTRAL)

    assert read(FILES, root).version == "2026.09-1.4.2"


@pytest.mark.parametrize("system", ["", "statusfile=per-slot"])
def test_a_slot_may_keep_its_own_state(root: Path, system: str) -> None:
    write(root, "etc/rauc/system.conf", CONF.replace("statusfile=/data/central.raucs", system))
    write(root, "slot.raucs", "[slot]\nbundle.version=1.4.2\nstatus=ok\n")

    assert read(FILES, root).version == "1.4.2"


@pytest.mark.parametrize("slot", ["B", "rootfs.1"])
def test_the_kernels_command_line_names_a_bootname_or_a_slot(root: Path, slot: str) -> None:
    write(root, "data/central.raucs", CENTRAL)
    write(root, "proc/cmdline", f"rauc.slot={slot}")

    assert read(FILES, root).version == "2026.09-1.4.2"


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("proc/cmdline", "root=/dev/mmcblk0p3", "holds no rauc.slot="),
        ("proc/cmdline", "rauc.slot=C", "has no slot with the bootname C"),
        ("proc/cmdline", "rauc.slot=A", "RAUC does not know the version of rootfs.0"),
        ("data/central.raucs", "", "RAUC does not know the version of rootfs.1"),
        ("data/central.raucs", "bundle.version=1", "central.raucs is malformed"),
        ("data/central.raucs", b"\xff", "central.raucs is malformed"),
        ("etc/rauc/system.conf", "[system\n", "system.conf is malformed"),
    ],
)
def test_files_that_do_not_tell_the_version_are_an_error(root: Path, path: str, content: str, complaint: str) -> None:
    write(root, "data/central.raucs", CENTRAL)
    write(root, path, content)

    assert complaint in error(FILES, root)


@pytest.mark.parametrize(
    "line", ["no equals sign", " indented", "[unclosed", "\ufeff", b"note=Sch\xf6n", "=x", "bundle.version"]
)
def test_a_bad_line_of_its_files_costs_that_line(root: Path, line: str | bytes) -> None:
    bad = line.encode() if isinstance(line, str) else line
    write(root, "data/central.raucs", CENTRAL.encode().replace(b"]\n", b"]\n" + bad + b"\n") + bad)
    write(root, "etc/rauc/system.conf", CONF.encode().replace(b"]\n", b"]\n" + bad + b"\n") + bad)

    assert read(FILES, root).version == "2026.09-1.4.2"


def test_a_file_of_states_that_was_never_written_means_that_nothing_was_installed(root: Path) -> None:
    assert error(FILES, root) == "RAUC does not know the version of rootfs.1: it has not installed it"


@given(
    content=st.binary(max_size=200) | st.text(alphabet="[]slot.=rootfs1\nbundleversion #%", max_size=80).map(str.encode)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_its_files_hold_there_is_a_version_or_an_error(root: Path, content: bytes) -> None:
    write(root, "data/central.raucs", content)

    try:
        (found,) = FILES.find(root)
    except (SourceAbsent, SourceFailed):
        return
    assert found.version in as_text(content).replace("\r", "\n")


def test_a_device_booted_from_outside_leaves_the_word_to_os_release(root: Path) -> None:
    printing(root, "usr/bin/rauc", (FIELD / "08-rauc-status.json").read_text())
    write(root, "etc/os-release", "VERSION_ID=12\n")

    main = next(reading for reading in read_auto(root) if reading.version)

    assert (main.source, main.version) == ("os-release", "12")


@pytest.mark.parametrize("bootname", ["_external_", "/dev/nfs"])
def test_a_boot_from_outside_is_known_by_its_bootname(root: Path, bootname: str) -> None:
    status = json.loads((FIELD / "08-rauc-status.json").read_text()) | {"booted": bootname}
    printing(root, "usr/bin/rauc", json.dumps(status))

    (reading,) = read_source(SERVICE, root, required=False)

    assert reading.is_absent


@pytest.mark.parametrize("words", ["root=/dev/sda1 rauc.external", "root=/dev/nfs nfsroot=10.0.0.1:/srv"])
def test_a_boot_from_outside_is_known_by_the_command_line(root: Path, words: str) -> None:
    write(root, "proc/cmdline", words)
    write(root, "data/central.raucs", CENTRAL)

    (reading,) = read_source(FILES, root, required=False)

    assert reading.is_absent


#: as rauc's formatter for a shell quotes what rauc 1.8 printed in JSON
SHELL = """\
RAUC_SYSTEM_COMPATIBLE='example-gateway'
RAUC_SYSTEM_VARIANT=''
RAUC_SYSTEM_BOOTED_BOOTNAME='B'
RAUC_BOOT_PRIMARY='rootfs.1'
RAUC_SYSTEM_SLOTS='rootfs.0 rootfs.1'
RAUC_SLOTS='1 2'
RAUC_SLOT_STATE_1='inactive'
RAUC_SLOT_STATUS_BUNDLE_VERSION_1='2026.08'
RAUC_SLOT_STATE_2='booted'
RAUC_SLOT_STATUS_BUNDLE_VERSION_2='2026.09-1.4.2'
"""


def without_json(root: Path, then: str) -> None:
    refusal = (FIELD / "09-rauc-stderr").read_text()
    program(root, "usr/bin/rauc", f"if 'shell' not in sys.argv[-1]: sys.stderr.write({refusal!r}); sys.exit(1)\n{then}")


def test_a_rauc_without_json_is_asked_for_a_shell(root: Path) -> None:
    without_json(root, f"print({SHELL!r})")

    reading = read(SERVICE, root)

    assert (reading.version, "--output-format=shell: rootfs.1" in reading.detail) == ("2026.09-1.4.2", True)


def test_a_rauc_that_has_no_format_for_programs_is_told_of_files(root: Path) -> None:
    refusal = (FIELD / "09-rauc-stderr").read_text()
    program(root, "usr/bin/rauc", f"sys.stderr.write({refusal!r}); sys.exit(1)")

    assert 'ask = "files"' in error(SERVICE, root)


@pytest.mark.parametrize(
    ("output", "word"),
    [
        (SHELL.replace("'booted'", "'inactive'"), "0 booted slots"),
        (SHELL.replace("'2026.09-1.4.2'", "''"), "has not installed it"),
        ("", "0 booted slots"),
        (SHELL.replace("'booted'", "'x'").replace("'B'", "'_external_'"), "from outside"),
    ],
)
def test_what_a_shell_is_told_may_hold_no_version(root: Path, output: str, word: str) -> None:
    without_json(root, f"print({output!r})")

    assert word in error(SERVICE, root)


def test_messages_of_rauc_beside_its_json_do_not_matter(root: Path) -> None:
    printing(
        root, "usr/bin/rauc", f"rauc-Message: 12:00:00.000: Using system config file\n{STATUS}\nrauc-Message: done\n"
    )

    assert read(SERVICE, root).version == "2026.09-1.4.2"


def test_a_mistake_in_its_table_is_named(tmp_path: Path) -> None:
    table = '[[sources]]\ntype = "rauc"\nask = "dbus"'

    assert problem_of(tmp_path, table) == "line 3: ask must be one of service, files"
