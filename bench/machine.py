"""Which machine and which versions a result is of."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sysconfig
from importlib.metadata import version
from pathlib import Path

from bench.cluster import Cluster
from bench.stage import Stage

_SETTINGS = ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size")
_PACKAGES = ("aiohttp", "uvloop", "orjson", "psycopg")


def describe(stage: Stage) -> dict[str, str]:
    """Say what a reader has to know before comparing absolute numbers."""
    return {**describe_machine(stage.cluster, stage.folder), "wrk": _wrk_version()}


def describe_machine(cluster: Cluster, folder: Path) -> dict[str, str]:
    """Say the same where wrk takes no part; the database lies in the folder."""
    settings = ", ".join(f"{name} {cluster.setting(name)}" for name in _SETTINGS)
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "file system of the database": _file_system(folder),
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {_build()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "PostgreSQL": f"{cluster.setting('server_version')}, {settings}",
    }


def _build() -> str:
    """Say how the interpreter was configured: one without optimisation is slower, and not evenly."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    optimised = "configured with" if "--enable-optimizations" in options else "configured without"
    return f"{optimised} --enable-optimizations, {platform.python_compiler()}"


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _file_system(folder: Path) -> str:
    said = subprocess.run(["df", "--output=fstype", folder], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[-1]


def _wrk_version() -> str:
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return said.split("[")[0].removeprefix("wrk").strip()
