"""Packages of apk, rpm and snap, and of dpkg in images without dpkg, as their files and programs have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.sources.builtin.apk import Apk
from firmtrail_agent.sources.builtin.dpkg import Dpkg
from firmtrail_agent.sources.builtin.rpm import Rpm
from firmtrail_agent.sources.builtin.snap import Snap
from tests.agent.sources.support.readings import RECORDED, program, read, write

INSTALLED = (RECORDED / "apk-installed").read_text()
#: of distroless, as its builder takes it from the package
CONTROL = "Package: libssl3\nSource: openssl\nVersion: 3.0.19-1~deb12u2\nArchitecture: amd64\nDescription: TLS\n more\n"
SNAP = "name: core22\nversion: '20240904'\nsummary: Runtime\ntype: base\nbase: none\napps:\n  version: 7\n"


def apk(package: str) -> Apk:
    return Apk(component="app", package=package)


def rpm(root: Path, output: str, *, code: int = 0, architecture: str | None = None) -> tuple[str | None, str | None]:
    program(root, "usr/bin/rpm", f"print({output!r}, end=''); sys.exit({code})")
    reading = read(Rpm(component="app", package="bash", architecture=architecture), root)
    return reading.version, reading.error


def snap(root: Path, yaml: str) -> tuple[str | None, str | None]:
    write(root, "snap/core22/1612/meta/snap.yaml", yaml)
    (root / "snap/core22/current").symlink_to("1612")
    reading = read(Snap(component="base", package="core22"), root)
    return reading.version, reading.error


@pytest.mark.parametrize(("package", "version"), [("musl", "1.2.3-r0"), ("busybox", "1.35.0-r17")])
@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_apk_tells_the_version_of_a_package(tmp_path: Path, path: str, package: str, version: str) -> None:
    write(tmp_path, path, INSTALLED)

    assert read(apk(package), tmp_path).version == version


def test_a_file_of_a_package_is_no_package_of_apk(tmp_path: Path) -> None:
    write(tmp_path, "lib/apk/db/installed", INSTALLED)

    assert "not installed" in (read(apk("ld-musl-x86_64.so.1"), tmp_path).error or "")


@pytest.mark.parametrize("content", [b"", b"\xff\n\nP:musl\n", b"P:musl\nV:\n", b"P:musl\nV:\xff\n"])
def test_a_database_of_apk_without_a_version_is_an_error(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "lib/apk/db/installed", content)

    assert read(apk("musl"), tmp_path).error


def test_a_device_without_apk_is_told_so(tmp_path: Path) -> None:
    assert "there is no" in (read(apk("musl"), tmp_path).error or "")


@pytest.mark.parametrize("name", ["libssl3", "bGlic3NsMw"])
def test_dpkg_reads_a_package_in_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"var/lib/dpkg/status.d/{name}", CONTROL)
    write(tmp_path, f"var/lib/dpkg/status.d/{name}.md5sums", "d41d8cd98f00b204e9800998ecf8427e  usr/lib/libssl.so.3\n")

    assert read(Dpkg(component="tls", package="libssl3"), tmp_path).version == "3.0.19-1~deb12u2"


def test_a_directory_among_the_files_of_packages_is_skipped_and_said(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/dpkg/status.d/libssl3", CONTROL)
    (tmp_path / "var/lib/dpkg/status.d/lost+found").mkdir()

    reading = read(Dpkg(component="tls", package="libssl3"), tmp_path)

    assert reading.version == "3.0.19-1~deb12u2"
    assert "lost+found was skipped" in (reading.detail or "")


def test_an_empty_status_does_not_hide_files_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/dpkg/status", "")
    write(tmp_path, "var/lib/dpkg/status.d/libssl3", CONTROL)

    assert read(Dpkg(component="tls", package="libssl3"), tmp_path).version == "3.0.19-1~deb12u2"


def test_the_status_of_dpkg_counts_before_a_file_of_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        "var/lib/dpkg/status",
        CONTROL.replace("3.0.19", "3.0.20").replace("Source", "Status: i ok installed\nX"),
    )
    write(tmp_path, "var/lib/dpkg/status.d/libssl3", CONTROL)

    assert read(Dpkg(component="tls", package="libssl3"), tmp_path).version == "3.0.20-1~deb12u2"


@pytest.mark.parametrize("output", ["5.2.26-3.fc40 x86_64\n", "5.2.26-3.fc40 x86_64\n5.2.26-3.fc40 i686\n"])
def test_rpm_tells_the_version_of_a_package(tmp_path: Path, output: str) -> None:
    assert rpm(tmp_path, output) == ("5.2.26-3.fc40", None)


def test_rpm_is_asked_for_epoch_version_and_release(tmp_path: Path) -> None:
    asked = "sys.argv[1:3] == ['--query', '--queryformat'] and sys.argv[4:] == ['--', 'bash'] and print('1:5-3 noarch')"
    program(tmp_path, "usr/bin/rpm", asked)

    assert read(Rpm(component="app", package="bash"), tmp_path).version == "1:5-3"


def test_an_architecture_chooses_between_versions_of_rpm(tmp_path: Path) -> None:
    assert rpm(tmp_path, "5-3 x86_64\n5-2 i686\n", architecture="i686") == ("5-2", None)


@pytest.mark.parametrize("output", ["5-3 x86_64\n5-2 x86_64\n", "", "warning: database is old\n"])
def test_rpm_must_name_one_version(tmp_path: Path, output: str) -> None:
    version, error = rpm(tmp_path, output)

    assert (version, "not one" in (error or "")) == (None, True)


def test_a_package_that_rpm_does_not_know_is_an_error(tmp_path: Path) -> None:
    _, error = rpm(tmp_path, "package bash is not installed\n", code=1)

    assert "not installed" in (error or "")


@pytest.mark.parametrize(
    ("yaml", "version"),
    [
        (SNAP, "20240904"),
        ('name: x\nversion: "1.10"  # of the day\n', "1.10"),
        ("version: 1.10\r\n", "1.10"),
        ("version:   v2 beta\n", "v2 beta"),
        ("version: 1.2+git#5  # built\n", "1.2+git#5"),
    ],
)
def test_a_snap_tells_its_version(tmp_path: Path, yaml: str, version: str) -> None:
    assert snap(tmp_path, yaml) == (version, None)


@pytest.mark.parametrize(
    "yaml", ["", "name: core22\n", "apps:\n  version: 7\n", "version:\n", "version: # to do\n", "version: unknown\n"]
)
def test_a_snap_without_a_version_is_an_error(tmp_path: Path, yaml: str) -> None:
    version, error = snap(tmp_path, yaml)

    assert (version, bool(error)) == (None, True)


def test_a_snap_may_be_mounted_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/snapd/snap/core22/current/meta/snap.yaml", SNAP)

    assert read(Snap(component="base", package="core22"), tmp_path).version == "20240904"


def test_a_package_of_apk_that_may_be_gone_is_gone_when_it_is_not_installed(tmp_path: Path) -> None:
    write(tmp_path, "lib/apk/db/installed", INSTALLED)

    reading = read(Apk(component="app", package="modem-fw", may_be_gone=True), tmp_path)

    assert (reading.error, reading.gone) == (None, True)


def test_an_empty_database_of_apk_says_of_nothing_that_it_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "lib/apk/db/installed", "")

    reading = read(Apk(component="app", package="modem-fw", may_be_gone=True), tmp_path)

    assert (bool(reading.error), reading.gone) == (True, False)
