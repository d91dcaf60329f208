"""No link of a tree leads out of it: what `--root` is for is another machine's files, never this one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.sources.builtin.bootc import Bootc
from firmtrail_agent.sources.builtin.command import Command
from firmtrail_agent.sources.builtin.dpkg import Dpkg
from firmtrail_agent.sources.builtin.drop_directory import DropDirectory
from firmtrail_agent.sources.builtin.file import File
from firmtrail_agent.sources.builtin.os_release import OsRelease
from firmtrail_agent.sources.builtin.ostree import BOOTED
from firmtrail_agent.sources.builtin.rauc import Rauc
from firmtrail_agent.sources.builtin.uboot_env import UbootEnv
from firmtrail_agent.sources.support.programs import located
from firmtrail_agent.system import boot, hardware
from firmtrail_agent.system.rooted_path import RootedPath
from tests.agent.sources.support.readings import program, read, versions, write

VERSION_FILE = File(component="main", path="/etc/version")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree beside another one, which stands for this machine."""
    write(tmp_path, "host/version", "of-the-host\n")
    (tmp_path / "root/etc").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def host(root: Path) -> Path:
    return root.parent / "host"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def link(root: Path, path: str, target: str | Path) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


def test_absolute_links_of_nixos_are_followed_inside_the_root(root: Path) -> None:
    write(root, "nix/store/x/os-release", 'ID=nixos\nVERSION_ID="23.11"\n')
    link(root, "etc/static", "/nix/store/x")
    link(root, "etc/os-release", "/etc/static/os-release")

    assert read(OsRelease(), root).version == "23.11"


@pytest.mark.parametrize(
    "target", ["{host}/version", "../../host/version", "/../host/version", "../../../../{host}/version"]
)
def test_a_link_out_of_the_root_leads_nowhere(root: Path, host: Path, target: str) -> None:
    link(root, "etc/version", target.format(host=host))

    assert read(VERSION_FILE, root).error == f"there is no {root}/etc/version"


@pytest.mark.parametrize("target", ["{host}", "../../host"])
def test_a_directory_link_out_of_the_root_leads_nowhere(root: Path, host: Path, target: str) -> None:
    link(root, "etc/firmware", target.format(host=host))

    assert read(File(component="main", path="/etc/firmware/version"), root).version is None


def test_dots_in_a_configured_path_stay_below_the_root(root: Path) -> None:
    assert read(File(component="main", path="/../host/version"), root).version is None


def test_dots_beyond_the_root_end_at_the_root(root: Path) -> None:
    write(root, "data/version", "7\n")
    link(root, "etc/version", "../../../data/version")

    assert read(VERSION_FILE, root).version == "7"


def test_dots_go_back_from_where_a_link_led(root: Path) -> None:
    write(root, "data/active/current/x", "")
    write(root, "data/active/version", "7\n")
    link(root, "etc/current", "/data/active/current")

    assert read(File(component="main", path="/etc/current/../version"), root).version == "7"


@pytest.mark.parametrize("target", ["/etc/version", "version", "/etc/other"])
def test_links_in_a_circle_are_an_error(root: Path, target: str) -> None:
    link(root, "etc/version", target)
    link(root, "etc/other", "/etc/version")

    assert "Too many levels of symbolic links" in (read(VERSION_FILE, root).error or "")


def test_a_directory_of_files_is_listed_inside_the_root(root: Path) -> None:
    write(root, "data/versions/modem.json", '{"modem": "7"}')
    link(root, "run/firmtrail-agent/versions.d", "/data/versions")

    assert versions(DropDirectory(), root) == {"modem": "7"}


def test_a_directory_out_of_the_root_is_not_listed(root: Path, host: Path) -> None:
    write(host, "versions/modem.json", '{"modem": "of-the-host"}')
    link(root, "run/firmtrail-agent/versions.d", host / "versions")

    assert versions(DropDirectory(), root) == {"drop-directory": None}


def test_packages_of_the_host_are_not_read(root: Path, host: Path) -> None:
    entry = "Package: app\nStatus: install ok installed\nVersion: {}\n"
    write(root, "var/lib/dpkg/status", entry.format("7"))
    write(host, "updates/0001", entry.format("of-the-host"))
    link(root, "var/lib/dpkg/updates", host / "updates")

    assert read(Dpkg(component="app", package="app"), root).version == "7"


def test_a_status_file_that_rauc_names_stays_inside_the_root(root: Path, host: Path) -> None:
    write(host, "central.raucs", "[slot.rootfs.0]\nbundle.version=of-the-host\n")
    write(root, "proc/cmdline", "rauc.slot=A")
    conf = f"[system]\nstatusfile=/../{host}/central.raucs\n[slot.rootfs.0]\nbootname=A\n"
    write(root, "etc/rauc/system.conf", conf)

    assert read(Rauc(ask="files"), root).version is None


def test_an_environment_out_of_the_root_is_not_read(root: Path, host: Path) -> None:
    link(root, "boot/uboot.env", host / "version")
    source = UbootEnv(component="main", variable="version", path="/boot/uboot.env")

    assert read(source, root).error == f"there is no {root}/boot/uboot.env"


def test_a_marker_out_of_the_root_is_none(root: Path, host: Path) -> None:
    link(root, BOOTED, host / "version")

    assert read(Bootc(), root).error == f"there is no {root}/{BOOTED.lstrip('/')}"


def test_a_program_out_of_the_root_is_not_run(root: Path, host: Path) -> None:
    program(host, "modem", "print('of-the-host')")
    link(root, "usr/bin/modem", host / "modem")

    assert read(Command(component="modem", argv=["/usr/bin/modem"]), root).error == f"there is no {root}/usr/bin/modem"


def test_a_linked_program_keeps_the_name_it_was_called_by(root: Path) -> None:
    program(root, "lib/busybox", "print(7)")
    link(root, "usr/bin/fw-version", "/lib/busybox")

    found = located(root, ("fw-version", "-s"))

    assert (found.argv, found.file) == ([f"{root}/usr/bin/fw-version", "-s"], f"{root}/lib/busybox")


def test_the_hosts_number_is_no_fingerprint_of_a_tree(root: Path, host: Path) -> None:
    write(host, "product_uuid", "4c4c4544-0042-3010-8054-b4c04f4b4a31\n")
    link(root, "sys/class/dmi/id", host)

    assert hardware.fingerprint(root) is None


def test_the_hosts_boot_is_no_boot_of_a_tree(root: Path) -> None:
    link(root, "proc/sys", "/proc/sys")

    assert boot.read_boot_id({}, root) is None


def test_below_the_systems_root_the_kernel_follows_links(tmp_path: Path) -> None:
    write(tmp_path, "data/version", "7\n")
    link(tmp_path, "version", tmp_path / "data/version")

    assert read(File(component="main", path=f"{tmp_path}/version"), Path("/")).version == "7"


def test_a_walk_leaves_no_descriptor_open(root: Path) -> None:
    write(root, "a/b/c/version", "7\n")
    link(root, "etc/version", "/a/b/../b/c/version")
    before = descriptors()

    RootedPath(root, "/etc/version").stat()
    RootedPath(root, "/etc/nothing/at/all").exists()

    assert descriptors() == before
