"""Other daemons of devices, from Debian's packages, unpacked into a directory of their own and never installed."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.agent.running import Process, exit_ms, write
from bench.command import say
from bench.errors import CannotMeasure

_SETTLED_SECONDS = 5
_COLLECTD = 'BaseDir "{0}"\nPIDFile "{0}/pid"\nPluginDir "{1}/usr/lib/collectd"\nLoadPlugin load\n'
#: a server that is not there: as on a device that is offline
_MENDER = '{{"ServerURL": "https://127.0.0.1:9", "UpdatePollIntervalSeconds": 1800, "RetryPollIntervalSeconds": 300}}'
_ZABBIX = """ServerActive=127.0.0.1:9
Hostname=device
LogType=console
PidFile={0}/pid
ControlSocket={0}/control
PluginSocket={0}/plugins
"""
_MONIT = "set daemon 60\nset pidfile {0}/pid\nset statefile {0}/state\nset idfile {0}/id\n"


@dataclass(frozen=True)
class Neighbour:
    """A package, and how its daemon is run from an unpacked root with a directory of its own."""

    package: str
    command: Callable[[Path, Path], Sequence[str]]
    configuration: str = ""


NEIGHBOURS = [
    Neighbour(
        "prometheus-node-exporter",
        lambda root, _: [f"{root}/usr/bin/prometheus-node-exporter", "--web.listen-address=127.0.0.1:0"],
    ),
    Neighbour(
        "collectd-core", lambda root, own: [f"{root}/usr/sbin/collectd", "-f", "-C", f"{own}/configuration"], _COLLECTD
    ),
    Neighbour(
        "mender-client",
        lambda root, own: [f"{root}/usr/bin/mender", "-c", f"{own}/configuration", "-d", str(own), "daemon"],
        _MENDER,
    ),
    Neighbour(
        "zabbix-agent2",
        lambda root, own: [f"{root}/usr/sbin/zabbix_agent2", "-f", "-c", f"{own}/configuration"],
        _ZABBIX,
    ),
    Neighbour("monit", lambda root, own: [f"{root}/usr/bin/monit", "-I", "-c", f"{own}/configuration"], _MONIT),
]


@dataclass(frozen=True)
class Measured:
    """What a daemon costs that has settled."""

    #: of the package, with its version
    name: str
    start_cpu_ms: float
    rss_mb: float
    wakeups: float
    exit_ms: float


async def measure(neighbour: Neighbour, folder: Path, idle_seconds: float) -> Measured:
    """Run it for a while.

    Raises:
        CannotMeasure: its package cannot be had, or it does not run here.
    """
    own, root = folder / neighbour.package, folder / f"{neighbour.package}-root"
    version = _unpacked(neighbour.package, own, root)
    write(own / "configuration", neighbour.configuration.format(own, root))
    (own / "configuration").chmod(0o600)
    with (own / "log").open("wb") as log:
        started = await asyncio.create_subprocess_exec(*neighbour.command(root, own), stdout=log, stderr=log)
    try:
        await asyncio.sleep(_SETTLED_SECONDS)
        if started.returncode is not None:
            raise CannotMeasure(f"{neighbour.package} does not run here.")
        process = Process(started.pid)
        start, before = process.cpu_ms(), process.wakeups()
        await asyncio.sleep(idle_seconds)
        wakeups, rss = (process.wakeups() - before) / idle_seconds, process.rss_mb()
        return Measured(f"{neighbour.package} {version}", start, rss, wakeups, await exit_ms(process))
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


def _unpacked(package: str, own: Path, root: Path) -> str:
    own.mkdir()
    try:
        subprocess.run(["apt-get", "download", "-q", package], cwd=own, check=True, capture_output=True)
        (file,) = own.glob("*.deb")
        subprocess.run(["dpkg", "-x", file, root], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise CannotMeasure(f"{package} is not to be had from apt here.") from None
    found = re.search("_(.+)_", file.name)
    return found[1].replace("%3a", ":") if found else "?"


async def measure_all(folder: Path, idle_seconds: float) -> list[Measured]:
    """Measure what runs here, and say what does not."""
    found: list[Measured] = []
    for neighbour in NEIGHBOURS:
        try:
            found.append(await measure(neighbour, folder, idle_seconds))
        except CannotMeasure as error:
            say(str(error))
    return found
