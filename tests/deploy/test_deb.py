"""The agent's Debian package where no systemd runs, over a copy of this system that vanishes afterwards.

Under a systemd: tests/agent/systemd/sandboxed_deb.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.building import build_deb

#: in a mount namespace of its own, a changed root over this system's, in memory
_IN_A_COPY = """
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t tmpfs tmpfs "$1/root/run"
mount --bind /dev "$1/root/dev"
cp "$2" "$1/root/agent.deb"
exec chroot "$1/root" sh -euc "$3"
"""
_INSTALL = "dpkg --install /agent.deb >&2; "


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")
    return build_deb(tmp_path_factory.mktemp("deb"))


def in_a_copy(deb: Path, folder: Path, script: str) -> str:
    """Run a shell script with the package at hand, and give what it prints."""
    if os.geteuid() != 0 or not Path("/usr/bin/python3").exists():
        pytest.skip("it needs root, and Debian's own Python")
    clean = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    namespace = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _IN_A_COPY, "copy"]
    done = subprocess.run([*namespace, folder, deb, script], env=clean, capture_output=True, text=True, check=False)
    if "mount:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_installed_runs_with_the_systems_python_and_its_own_bytecode(deb: Path, tmp_path: Path) -> None:
    said = in_a_copy(
        deb,
        tmp_path,
        "printf '#!/bin/sh\\nexit 1' >/usr/local/bin/python3; chmod +x /usr/local/bin/python3; "
        + _INSTALL
        + "cd /tmp; firmtrail-agent --help; "
        + "find /usr/lib/firmtrail-agent/firmtrail_agent -name 'agent.*.pyc'; "
        + "firmtrail-agent run || echo ended with $?",
    )

    assert said.startswith("usage: firmtrail-agent")
    assert "__pycache__/agent." in said
    assert "opt-2" not in said  # Python looks for it under its usual name
    assert said.endswith("ended with 78\n")


def test_removing_keeps_the_configuration_and_purging_leaves_nothing(deb: Path, tmp_path: Path) -> None:
    make = "mkdir -p /etc/firmtrail-agent /var/lib/firmtrail-agent; touch /etc/firmtrail-agent/config.toml; "

    said = in_a_copy(
        deb,
        tmp_path,
        _INSTALL
        + make
        + "dpkg --remove firmtrail-agent >&2; ls /etc/firmtrail-agent; ls /usr/lib | grep firmtrail || true; "
        + "dpkg --purge firmtrail-agent >&2; echo purged; ls -d /etc/firmtrail-agent /var/lib/firmtrail-agent || true",
    )

    assert said == "config.toml\npurged\n"


def test_there_is_a_directory_for_the_configuration(deb: Path, tmp_path: Path) -> None:
    assert in_a_copy(deb, tmp_path, _INSTALL + "ls -d /etc/firmtrail-agent") == "/etc/firmtrail-agent\n"


def test_it_is_for_every_machine_and_holds_no_bytecode_of_the_builder(deb: Path) -> None:
    fields = subprocess.run(["dpkg-deb", "--field", deb], capture_output=True, text=True, check=True).stdout
    files = subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True).stdout

    assert "Architecture: all\n" in fields
    assert ".pyc" not in files
    assert ".so\n" not in files


def test_the_same_source_makes_the_same_package(deb: Path, tmp_path: Path) -> None:
    again = build_deb(tmp_path)

    assert again.read_bytes() == deb.read_bytes()
