"""What `./dev ha` needs besides its lock: root, and programs of Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess

_PACKAGES = {
    "etcd": "etcd-server",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "fsfreeze": "util-linux",
    "mkfs.ext4": "e2fsprogs",
}


class CannotRun(Exception):
    """It cannot run here; the message says what would help."""


def check_requirements(*, install: bool) -> None:
    """Install what is missing if told to.

    Raises:
        CannotRun: something is missing.
    """
    if os.geteuid() != 0:
        raise CannotRun("It makes network namespaces and mounts disks: run it as root.")
    if install and (missing := _missing()):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # no service is started
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", *missing], env=quiet, check=False)
    if missing := _missing():
        raise CannotRun(f"Debian packages are missing: {' '.join(missing)}. Install them, or give --install.")


def _missing() -> list[str]:
    return sorted({package for program, package in _PACKAGES.items() if shutil.which(program) is None})
