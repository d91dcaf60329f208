"""Three database machines: etcd and Patroni on each, over the programs of PostgreSQL that firmtrail-postgres finds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs
import psycopg

from firmtrail_postgres import find_bin_dir
from tools.ha.disks import Disk
from tools.ha.network import SUBNET, Machine

T = TypeVar("T")

#: seconds; docs/high-availability.md says what each of them costs
TTL, LOOP_WAIT, RETRY_TIMEOUT = 20, 5, 5
#: without it a standby whose cable is pulled holds up every commit for a minute
REPLICATION_TIMEOUT = "5s"
_PROGRAMS = Path(__file__).resolve().parents[2] / ".venv-ha" / "bin"
_HEALTHY_SECONDS = 180
_PARAMETERS = {
    "max_connections": 100,
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",  # so that a full disk is met soon
    "max_wal_size": "256MB",
    "wal_sender_timeout": REPLICATION_TIMEOUT,
    "wal_receiver_timeout": REPLICATION_TIMEOUT,
    "tcp_user_timeout": REPLICATION_TIMEOUT,
    "idle_in_transaction_session_timeout": "60s",
    "autovacuum_vacuum_insert_scale_factor": 0.01,
}


@attrs.define
class Node:
    """A database machine."""

    machine: Machine
    #: of PostgreSQL alone: etcd and the logs lie elsewhere
    disk: Disk
    #: configuration and logs
    folder: Path
    etcd: subprocess.Popen[bytes] | None = None
    patroni: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def data(self) -> Path:
        return self.disk.folder / "data"

    def kill(self) -> None:
        """Kill -9 all of it, as if the machine had lost its power."""
        self.machine.kill_all()
        for process in (self.etcd, self.patroni):
            if process is not None:
                process.wait()

    def kill_postgres(self) -> None:
        """Kill -9 the postmaster and its children; Patroni stays."""
        self.signal_postgres(signal.SIGKILL)

    def signal_postgres(self, number: signal.Signals) -> None:
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)], stdout=subprocess.PIPE, check=False)
        for pid in (postmaster, *map(int, listed.stdout.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@attrs.frozen
class Databases:
    nodes: list[Node]
    password: str = attrs.field(repr=False)

    def url(self, user: str = "firmtrail", database: str = "firmtrail") -> str:
        """Name all machines: libpq takes the one that can be written to, and gives up on one that does not answer."""
        hosts = ",".join(f"{node.machine.address}:5432" for node in self.nodes)
        waits = "connect_timeout=2&tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=2&keepalives_count=3"
        return f"postgresql://{user}:{self.password}@{hosts}/{database}?target_session_attrs=read-write&{waits}"

    def start(self) -> None:
        """Start all of them, and wait until there is a database of ours."""
        for node in self.nodes:
            self.start_node(node)
        self.wait_healthy()
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute(f"create role firmtrail login password '{self.password}'".encode())
            admin.execute("create database firmtrail owner firmtrail")

    def start_node(self, node: Node) -> None:
        """Start what does not run: etcd, and Patroni, which starts PostgreSQL."""
        if node.etcd is None or node.etcd.poll() is not None:
            node.etcd = node.machine.start(self._etcd(node), node.folder / "etcd.log")
        if node.patroni is None or node.patroni.poll() is not None:
            file = node.folder / "patroni.yml"
            file.write_text(json.dumps(self._patroni(node)))  # JSON is YAML
            node.patroni = node.machine.start([_PROGRAMS / "patroni", file], node.folder / "patroni.log")

    def members(self) -> list[dict[str, Any]]:
        """Ask the first Patroni that answers for all members; none, where none does."""
        for node in self.nodes:
            with suppress(OSError, ValueError):
                return json.loads(_request(node, "cluster"))["members"]
        return []

    def leader(self) -> Node:
        """Find the machine whose Patroni says that it is the primary, or wait for one."""
        return self._waited(lambda: next(filter(_is_primary, self.nodes), None), "a leader")

    def synchronous_standby(self) -> Node:
        """Find the machine that each commit waits for, or wait for one."""

        def find() -> Node | None:
            names = [one["name"] for one in self.members() if one.get("role") == "sync_standby"]
            return next((node for node in self.nodes if node.name in names), None)

        return self._waited(find, "a synchronous standby")

    def wait_healthy(self, *, synchronous: bool = True) -> None:
        """Wait until one leads and two stream from it, one of them synchronously."""
        wanted = ["leader", *(["replica", "sync_standby"] if synchronous else ["replica", "replica"])]
        states = {"running", "streaming"}

        def is_healthy() -> bool:
            members = [one for one in self.members() if one.get("state") in states]
            lags = [one["lag"] for one in members if "lag" in one]
            return sorted(one["role"] for one in members) == wanted and all(lag != "unknown" for lag in lags)

        self._waited(is_healthy, "a leader and two standbys")

    def configure(self, **changes: object) -> None:
        """Change the configuration that all Patronis share."""
        body = json.dumps(changes).encode()
        _request(self.leader(), "config", method="PATCH", body=body)

    def _waited(self, ask: Callable[[], T | None], what: str) -> T:
        ends = time.monotonic() + _HEALTHY_SECONDS
        while not (found := ask()):
            if time.monotonic() > ends:
                raise TimeoutError(f"There is not {what} after {_HEALTHY_SECONDS} s: {self.members()}")
            time.sleep(0.25)
        return found

    def _etcd(self, node: Node) -> list[str | Path]:
        peers = ",".join(f"{one.name}=http://{one.machine.address}:2380" for one in self.nodes)
        here = f"http://{node.machine.address}"
        return [
            *("etcd", "--name", node.name, "--data-dir", node.folder / "etcd"),
            *("--listen-peer-urls", f"{here}:2380", "--initial-advertise-peer-urls", f"{here}:2380"),
            *("--listen-client-urls", f"{here}:2379", "--advertise-client-urls", f"{here}:2379"),
            *("--initial-cluster", peers, "--initial-cluster-token", "firmtrail"),
            *("--heartbeat-interval", "200", "--election-timeout", "2000", "--logger", "zap"),
        ]

    def _patroni(self, node: Node) -> dict[str, Any]:
        address = node.machine.address
        login = {"password": self.password}
        return {
            "scope": "firmtrail",
            "name": node.name,
            "restapi": {"listen": f"{address}:8008", "connect_address": f"{address}:8008"},
            "etcd3": {"hosts": [f"{one.machine.address}:2379" for one in self.nodes]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": LOOP_WAIT,
                    "retry_timeout": RETRY_TIMEOUT,
                    "synchronous_mode": True,
                    "primary_start_timeout": 0,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": _PARAMETERS},
                },
                "initdb": [
                    {"encoding": "UTF8"},
                    {"locale": "C"},
                    {"locale-provider": "builtin"},
                    {"builtin-locale": "C.UTF-8"},
                    "data-checksums",
                ],
            },
            "postgresql": {
                "listen": f"{address}:5432",
                "connect_address": f"{address}:5432",
                "data_dir": str(node.data),
                "bin_dir": str(find_bin_dir()),
                "pgpass": str(node.folder / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", **login},
                    "replication": {"username": "replicator", **login},
                    "rewind": {"username": "rewinder", **login},
                },
                "parameters": {"unix_socket_directories": str(node.folder)},
                "pg_hba": [
                    "local all all scram-sha-256",
                    f"host replication replicator {SUBNET} scram-sha-256",
                    f"host all all {SUBNET} scram-sha-256",
                ],
            },
        }


def _is_primary(node: Node) -> bool:
    with suppress(OSError):
        return bool(_request(node, "primary"))
    return False


def _request(node: Node, path: str, *, method: str = "GET", body: bytes | None = None) -> bytes:
    """Ask a Patroni; what is no answer of 200 is an OSError, as is none."""
    url = f"http://{node.machine.address}:8008/{path}"
    request = urllib.request.Request(url, data=body, method=method)
    with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310  a URL of ours
        return answer.read() or b"-"
