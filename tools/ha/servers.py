"""Two server machines, and the proxy before them."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import attrs

from firmtrail_server.auth.signing_keys import new_signing_keys
from tools.ha.network import Machine

PORT = 8080
_READY_SECONDS = 60
_PROXY = """
global
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 40s
    timeout server 40s
    timeout queue 5s
    option redispatch
    retries 3
frontend devices
    bind {address}:{port}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 500ms fastinter 200ms fall 2 rise 1
{servers}
"""


@attrs.define
class Server:
    """A server machine; `--workers 1`."""

    machine: Machine
    database_url: str = attrs.field(repr=False)
    signing_keys: str = attrs.field(repr=False)
    #: of the proxy: the issuer of access tokens, which each server must take from the other
    public_url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.machine.address}:{PORT}"

    def start(self) -> None:
        self.process = self.machine.start(
            [sys.executable, "-m", "firmtrail_server", "serve"],
            self.log,
            FIRMTRAIL_DATABASE_URL=self.database_url,
            FIRMTRAIL_SIGNING_KEYS=self.signing_keys,
            FIRMTRAIL_PUBLIC_URL=self.public_url,
            FIRMTRAIL_HOST=self.machine.address,
            FIRMTRAIL_PORT=str(PORT),
        )
        self.wait_ready()

    def kill(self) -> None:
        """Kill -9 all of it."""
        self.machine.kill_all()
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """Ask it to stop in order, and wait for its end."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_READY_SECONDS)

    def wait_ready(self) -> None:
        ends = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            if time.monotonic() > ends:
                raise TimeoutError(f"{self.machine.name} is not ready after {_READY_SECONDS} s; see {self.log}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=3) as answer:  # noqa: S310
            return answer.status == 200  # noqa: PLR2004
        return False


def two_servers(machines: list[Machine], database_url: str, public_url: str, folder: Path) -> list[Server]:
    """Describe servers that share a database and signing keys; they do not run yet."""
    keys = new_signing_keys().as_text()
    return [Server(machine, database_url, keys, public_url, folder / f"{machine.name}.log") for machine in machines]


@attrs.frozen
class Proxy:
    """HAProxy, which sends work to servers that are ready."""

    machine: Machine
    folder: Path

    @property
    def url(self) -> str:
        return f"http://{self.machine.address}:{PORT}"

    def start(self, servers: list[Server]) -> None:
        lines = [f"    server {server.machine.name} {server.machine.address}:{PORT}" for server in servers]
        file = self.folder / "haproxy.cfg"
        file.write_text(
            _PROXY.format(socket=self._socket, address=self.machine.address, port=PORT, servers="\n".join(lines))
        )
        self.machine.start(["haproxy", "-db", "-f", file], self.folder / "haproxy.log")

    def set_state(self, server: Server, state: str) -> None:
        """Let a server finish what it has without getting more (drain), or send it work again (ready)."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self._socket))
            admin.sendall(f"set server servers/{server.machine.name} state {state}\n".encode())
            admin.recv(1000)

    @property
    def _socket(self) -> Path:
        return self.folder / "haproxy.sock"
