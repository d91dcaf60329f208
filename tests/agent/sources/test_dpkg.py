"""dpkg's database, as Debian 12 keeps it; half-installed packages, several architectures, and opkg's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources.builtin.dpkg import Dpkg
from tests.agent.sources.support.readings import FIELD, RECORDED, problem_of, read, write

STATUS = (RECORDED / "dpkg-status").read_text()
FILE, UPDATES = "var/lib/dpkg/status", "var/lib/dpkg/updates"
OPENSSL = Dpkg(component="tls", package="openssl")
TABLE = '[[sources]]\ntype = "dpkg"\ncomponent = "tls"\n'


def entry(version: str, *, status: str = "install ok installed", architecture: str = "amd64") -> str:
    return f"Package: openssl\nStatus: {status}\nArchitecture: {architecture}\nVersion: {version}\n\n"


def of(root: Path, *entries: str, architecture: str | None = None) -> tuple[str | None, str | None]:
    """Give the version and the error of openssl in a database."""
    write(root, FILE, "".join(entries))
    reading = read(Dpkg(component="tls", package="openssl", architecture=architecture), root)
    return reading.version, reading.error


def test_the_version_of_a_package_is_found_among_others(tmp_path: Path) -> None:
    write(tmp_path, FILE, STATUS)

    reading = read(OPENSSL, tmp_path)

    assert (reading.component, reading.version) == ("tls", "3.0.19-1~deb12u2")


@pytest.mark.parametrize("package", ["open", "ssl", "OpenSSL", "openssl2"])
def test_a_package_is_not_taken_for_another(tmp_path: Path, package: str) -> None:
    write(tmp_path, FILE, STATUS)

    reading = read(Dpkg(component="x", package=package), tmp_path)

    assert reading.error == f"the package {package} is not installed"


def test_a_description_is_not_taken_for_a_field(tmp_path: Path) -> None:
    description = "Package: openssl\nStatus: install ok installed\nVersion: 1\nDescription: x\n Version: 2\n"

    assert of(tmp_path, description) == ("1", None)


@pytest.mark.parametrize("state", ["triggers-awaited", "triggers-pending"])
def test_a_package_whose_triggers_wait_is_installed(tmp_path: Path, state: str) -> None:
    assert of(tmp_path, entry("1", status=f"install ok {state}")) == ("1", None)


def test_a_package_on_hold_is_installed(tmp_path: Path) -> None:
    assert of(tmp_path, entry("1", status="hold ok installed")) == ("1", None)


@pytest.mark.parametrize("state", ["half-installed", "unpacked", "half-configured", ""])
def test_a_package_that_is_not_wholly_there_has_no_version(tmp_path: Path, state: str) -> None:
    version, error = of(tmp_path, entry("2", status=f"install reinstreq {state}".strip()))

    assert version is None
    assert "run dpkg --configure -a" in (error or "")


@pytest.mark.parametrize("state", ["config-files", "not-installed"])
def test_a_removed_package_is_not_installed(tmp_path: Path, state: str) -> None:
    assert of(tmp_path, entry("1", status=f"deinstall ok {state}")) == (None, "the package openssl is not installed")


def test_the_same_version_for_several_architectures_is_one_version(tmp_path: Path) -> None:
    assert of(tmp_path, entry("1"), entry("1", architecture="i386")) == ("1", None)


def test_different_versions_need_an_architecture(tmp_path: Path) -> None:
    both = entry("1"), entry("2", architecture="i386")

    assert of(tmp_path, *both) == (
        None,
        "openssl is installed in several versions: set architecture to one of amd64, i386",
    )
    assert of(tmp_path, *both, architecture="i386") == ("2", None)


def test_what_dpkg_has_not_yet_written_into_the_status_counts(tmp_path: Path) -> None:
    write(tmp_path, f"{UPDATES}/0001", entry("2", status="install ok unpacked"))
    write(tmp_path, f"{UPDATES}/0002", entry("2"))
    write(tmp_path, f"{UPDATES}/tmp.i", entry("3"))

    assert of(tmp_path, entry("1")) == ("2", None)


def test_what_dpkg_has_not_yet_written_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / UPDATES).symlink_to("updates")

    assert of(tmp_path, entry("1")) == (None, f"{tmp_path}/{UPDATES} cannot be read: Too many levels of symbolic links")


def test_opkg_keeps_its_packages_in_the_same_way(tmp_path: Path) -> None:
    opkg = "Package: openssl\nVersion: 3.2.6-r0\nStatus: install user installed\nArchitecture: cortexa53\n\n"
    write(tmp_path, "var/lib/opkg/status", opkg)

    assert read(Dpkg(component="x", package="openssl", path="/var/lib/opkg/status"), tmp_path).version == "3.2.6-r0"


def test_a_device_without_the_database_is_told_so(tmp_path: Path) -> None:
    assert read(OPENSSL, tmp_path).error == f"there is no {tmp_path}/{FILE}"


def test_a_database_of_a_gigabyte_is_not_read_to_its_end(tmp_path: Path) -> None:
    with write(tmp_path, FILE, STATUS).open("r+b") as file:
        file.truncate(1 << 30)

    assert "is too large, or has too long a line" in (read(OPENSSL, tmp_path).error or "")


def test_more_short_lines_than_a_database_has_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmtrail_agent.sources.support.paragraphs.MAX_BYTES", 1000)

    version, error = of(tmp_path, "A: b\n" * 201, entry("1"))

    assert version is None
    assert "is too large" in (error or "")


@given(st.binary(max_size=200) | st.integers(0, len(STATUS)).map(lambda cut: STATUS[:cut].encode()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_database_holds_there_is_a_version_or_an_error(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, FILE, content)

    reading = read(OPENSSL, tmp_path)

    assert "3.0.19-1~deb12u2".startswith(reading.version or "")
    assert (reading.version is None) == bool(reading.error)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "line 1: a source of type dpkg needs package"),
        ("package = 'a b'", "line 4: package must be a name such as libc6"),
        ("package = 'a'\narchitecture = ''", "line 5: architecture must be a name such as libc6"),
    ],
)
def test_a_mistake_in_its_table_is_named(tmp_path: Path, keys: str, problem: str) -> None:
    assert problem_of(tmp_path, TABLE + keys) == problem


OFFERED = (FIELD / "18-opkg-status").read_text()
OPKG = Dpkg(component="ntp", package="ntpd", path="/usr/lib/opkg/status")


def test_a_package_that_is_only_offered_does_not_hide_the_installed_one(tmp_path: Path) -> None:
    write(tmp_path, OPKG.path, OFFERED)

    assert read(OPKG, tmp_path).version == "4.2.8p11-1.13"


def test_the_order_of_installed_and_offered_does_not_matter(tmp_path: Path) -> None:
    installed, offered, _ = OFFERED.split("\n\n")
    write(tmp_path, OPKG.path, f"{offered}\n\n{installed}\n\n{offered}\n")

    assert read(OPKG, tmp_path).version == "4.2.8p11-1.13"


def test_a_package_that_is_only_offered_is_not_installed(tmp_path: Path) -> None:
    write(tmp_path, OPKG.path, OFFERED.split("\n\n")[1])

    assert "not installed" in (read(OPKG, tmp_path).error or "")


def test_a_package_that_was_just_removed_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n")
    write(tmp_path, "var/lib/dpkg/updates/0001", "Package: a\nStatus: deinstall ok not-installed\nArchitecture: all\n")

    assert "not installed" in (read(Dpkg(component="a", package="a"), tmp_path).error or "")


def test_bytes_of_another_entry_that_are_no_text_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, OPKG.path, b"Package: \xff\nno colon\n: \nStatus\n\n" + OFFERED.encode())

    assert read(OPKG, tmp_path).version == "4.2.8p11-1.13"


@pytest.mark.parametrize("content", [STATUS, entry("1", status="deinstall ok config-files")])
def test_a_package_that_may_be_gone_is_gone_when_it_is_not_installed(tmp_path: Path, content: str) -> None:
    package = "openssl" if "config-files" in content.splitlines()[1] else "modem-fw"
    write(tmp_path, FILE, content)

    reading = read(Dpkg(component="modem", package=package, may_be_gone=True), tmp_path)

    assert (reading.version, reading.error, reading.gone) == (None, None, True)
    assert package in reading.detail


@pytest.mark.parametrize("content", [None, "", "\n\n", entry("2", status="install reinstreq half-installed")])
def test_what_cannot_be_read_is_never_gone(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        write(tmp_path, FILE, content)

    reading = read(Dpkg(component="tls", package="openssl", may_be_gone=True), tmp_path)

    assert (reading.version, reading.gone) == (None, False)
    assert reading.error
