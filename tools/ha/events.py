"""What is broken, and how it is mended: each event breaks something at its start and mends it at its end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress

import attrs
import psycopg

from tools.ha.databases import Databases, Node
from tools.ha.servers import Proxy, Server

#: longer than Patroni's ttl, so that another machine takes over meanwhile
STALL_SECONDS = 40
SLOW_SECONDS = 20
#: how long a proxy lets requests end before a server is stopped
_DRAIN_SECONDS = 2
_FULL_SECONDS = 60


@attrs.frozen
class World:
    databases: Databases
    servers: list[Server]
    proxy: Proxy


Event = Callable[[World], AbstractContextManager[None]]


@contextmanager
def postgres_killed(world: World) -> Generator[None]:
    world.databases.leader().kill_postgres()
    yield


@contextmanager
def machine_killed(world: World) -> Generator[None]:
    node = world.databases.leader()
    node.kill()
    yield
    world.databases.start_node(node)


@contextmanager
def partitioned(world: World) -> Generator[None]:
    node = world.databases.leader()
    node.machine.set_link("down")
    yield
    node.machine.set_link("up")


@contextmanager
def standby_partitioned(world: World) -> Generator[None]:
    node = world.databases.synchronous_standby()
    node.machine.set_link("down")
    yield
    node.machine.set_link("up")


@contextmanager
def disk_full(world: World) -> Generator[None]:
    node = world.databases.leader()
    node.disk.fill()
    _use_up_wal(world, node)
    yield
    node.disk.clear()


@contextmanager
def disk_slow(world: World) -> Generator[None]:
    world.databases.leader().disk.stutter(SLOW_SECONDS, frozen=0.5, open_for=0.05)
    yield


@contextmanager
def disk_hung(world: World) -> Generator[None]:
    world.databases.leader().disk.stutter(STALL_SECONDS, frozen=STALL_SECONDS, open_for=0)
    yield


@contextmanager
def stalled(world: World) -> Generator[None]:
    node = world.databases.leader()
    node.signal_postgres(signal.SIGSTOP)
    time.sleep(STALL_SECONDS)
    node.signal_postgres(signal.SIGCONT)
    yield


@contextmanager
def server_killed(world: World) -> Generator[None]:
    server = world.servers[0]
    server.kill()
    yield
    server.start()


@contextmanager
def servers_restarted(world: World) -> Generator[None]:
    for server in world.servers:
        server.stop()
        server.start()
        time.sleep(_DRAIN_SECONDS)  # until the proxy has seen it
    yield


@contextmanager
def servers_drained(world: World) -> Generator[None]:
    for server in world.servers:
        world.proxy.set_state(server, "drain")
        time.sleep(_DRAIN_SECONDS)
        server.stop()
        server.start()
        world.proxy.set_state(server, "ready")
        time.sleep(_DRAIN_SECONDS)
    yield


#: by what the table says of them
EVENTS: dict[str, Event] = {
    "servers restarted one after the other, each drained by the proxy before": servers_drained,
    "servers restarted one after the other, by SIGTERM alone": servers_restarted,
    "kill -9 of a server": server_killed,
    "kill -9 of the leader's PostgreSQL": postgres_killed,
    "kill -9 of all of the leader's machine: PostgreSQL, Patroni, etcd": machine_killed,
    "the leader's network link down": partitioned,
    "the synchronous standby's network link down": standby_partitioned,
    "the leader's disk full": disk_full,
    "the leader's disk slow: it stands still for 0.5 s of each 0.55 s, for 20 s": disk_slow,
    "the leader's disk hung: no write ends for 40 s": disk_hung,
    "the leader's PostgreSQL stopped (SIGSTOP) for 40 s, then continued": stalled,
}


def _use_up_wal(world: World, node: Node) -> None:
    """Ask for new WAL files until there is no room for one; a longer load would do the same."""
    ends = time.monotonic() + _FULL_SECONDS
    with suppress(psycopg.OperationalError):
        while time.monotonic() < ends and world.databases.leader() is node:
            with psycopg.connect(world.databases.url("postgres", "postgres"), autocommit=True) as admin:
                admin.execute("select pg_switch_wal()")
            time.sleep(0.5)
