"""Machines that are network namespaces, on one bridge: each has an address, and a cable that can be pulled."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import attrs

#: RFC 2544 keeps 198.18.0.0/15 for tests of networks
SUBNET = "198.18.77.0/24"
_BRIDGE, _BRIDGE_ADDRESS = "fth-bridge", "198.18.77.1/24"


@attrs.frozen
class Machine:
    """A network namespace, and what runs in it."""

    name: str
    #: the last byte of its address
    number: int
    #: who runs its programs; root's files can be read all the same
    user: str | None = None

    @property
    def address(self) -> str:
        return f"198.18.77.{self.number}"

    @property
    def namespace(self) -> str:
        return f"fth-{self.name}"

    def start(self, command: Sequence[str | Path], log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start a program in the namespace; what it says goes to the end of a file."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FIRMTRAIL_", "PG"))}
        with log.open("ab") as said:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *self._become(), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                env=inherited | environment,
                start_new_session=True,
            )

    def kill_all(self) -> None:
        """Kill -9 all that runs in the namespace."""
        listed = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True, check=False)
        for pid in map(int, listed.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def set_link(self, state: str) -> None:
        """Put the cable in (up) or pull it out (down)."""
        _ip("link", "set", f"{self.namespace}-out", state)

    def _become(self) -> list[str]:
        """The user may read what root may: the programs may lie in a virtual environment below /root."""
        if self.user is None:
            return []
        reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *reading]


@contextmanager
def network(machines: Sequence[Machine]) -> Generator[None]:
    """Make the bridge and the machines; at the end kill what runs in them, and remove all of it."""
    with ExitStack() as stack:
        _remove(machines)  # what an earlier run left that was killed
        stack.callback(_remove, machines)
        _ip("link", "add", _BRIDGE, "type", "bridge")
        _ip("address", "add", _BRIDGE_ADDRESS, "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        for machine in machines:
            _add(machine)
        yield


def _add(machine: Machine) -> None:
    outside, inside = f"{machine.namespace}-out", f"{machine.namespace}-in"
    _ip("netns", "add", machine.namespace)
    _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", machine.namespace)
    _ip("link", "set", outside, "master", _BRIDGE, "up")
    within = ("-n", machine.namespace)
    _ip(*within, "address", "add", f"{machine.address}/24", "dev", inside)
    _ip(*within, "link", "set", inside, "up")
    _ip(*within, "link", "set", "lo", "up")


def _remove(machines: Sequence[Machine]) -> None:
    for machine in machines:
        machine.kill_all()
        _ip("netns", "delete", machine.namespace, check=False)
        _ip("link", "delete", f"{machine.namespace}-out", check=False)
    _ip("link", "delete", _BRIDGE, check=False)


def _ip(*arguments: str, check: bool = True) -> None:
    errors = None if check else subprocess.DEVNULL
    subprocess.run(["ip", *arguments], stderr=errors, check=check)
