"""Break a highly available installation under load, and compare what it stored with what it acknowledged.

`./dev ha [--minutes N] [--only WORD] [--install] [--write]`; needs root, for network namespaces and mounts.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp

from firmtrail_server.db.schema import migrate
from tests.server.faults.load import check_derived, make_fleet
from tools.ha.databases import Databases, Node
from tools.ha.disks import disk
from tools.ha.events import EVENTS, Event, World
from tools.ha.load import Balance, Load
from tools.ha.network import Machine, network
from tools.ha.outcome import Outcome, Speed, outcome, speed
from tools.ha.requirements import CannotRun, check_requirements
from tools.ha.results import page
from tools.ha.sdk_clients import sdk_clients
from tools.ha.servers import Proxy, two_servers

RESULTS = Path(__file__).resolve().parents[2] / "bench/results/ha.md"
USER = "postgres"
_BEFORE_SECONDS, _CALM_SECONDS, _AT_LEAST_SECONDS, _AT_MOST_SECONDS = 3, 4, 8, 180
_SPEED_SECONDS, _SPEED_ROUNDS = 8, 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev ha", description="Break machines of an installation under load.")
    parser.add_argument("--minutes", type=float, default=0, help="begin no further round after (one round)")
    parser.add_argument("--only", default="", help="only events whose name holds this word")
    parser.add_argument("--install", action="store_true", help="install the Debian packages that are missing")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {RESULTS.name}")
    options = parser.parse_args()
    try:
        check_requirements(install=options.install)
    except CannotRun as error:
        print(f"ha: {error}", file=sys.stderr)
        return 2
    events = {name: event for name, event in EVENTS.items() if options.only in name}
    with installation() as world:
        return asyncio.run(_run(world, events, options.minutes * 60, write=options.write))


@contextmanager
def installation() -> Generator[World]:
    """Build it, migrate its database and start its servers; at the end nothing of it is left."""
    databases = [Machine(f"db{number}", 10 + number, USER) for number in (1, 2, 3)]
    servers = [Machine(f"app{number}", 20 + number) for number in (1, 2)]
    front = Machine("proxy", 30)
    folder = Path(tempfile.mkdtemp(prefix="firmtrail-ha-"))
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        disks = [stack.enter_context(disk(folder / f"{machine.name}-disk", USER)) for machine in databases]
        stack.enter_context(network([*databases, *servers, front]))
        nodes = [
            Node(machine, on, _folder(folder / machine.name)) for machine, on in zip(databases, disks, strict=True)
        ]
        cluster = Databases(nodes, secrets.token_hex())
        _say("starting three machines with etcd and Patroni")
        cluster.start()
        migrate(cluster.url())
        _say("starting two servers and the proxy")
        proxy = Proxy(front, folder)
        world = World(cluster, two_servers(servers, cluster.url(), proxy.url, folder), proxy)
        for server in world.servers:
            server.start()
        proxy.start(world.servers)
        yield world


async def _run(world: World, events: dict[str, Event], seconds: float, *, write: bool) -> int:
    ends = time.monotonic() + seconds
    outcomes: list[Outcome] = []
    balances: list[Balance] = []
    while not balances or time.monotonic() < ends:
        found, balance = await _round(world, events)
        outcomes += found
        balances.append(balance)
        _say(f"round {len(balances)}: {balance}")
    speeds = await _speeds(world)
    told = page(outcomes, balances, speeds)
    print(told)
    if write:
        RESULTS.write_text(told, encoding="utf-8")
    return 0 if all(balance.is_right for balance in balances) else 1


async def _round(world: World, events: dict[str, Event]) -> tuple[list[Outcome], Balance]:
    """Break each thing once, then compare."""
    url = world.databases.url()
    fleet, programs = await make_fleet(url), await make_fleet(url, 4)
    outcomes: list[Outcome] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http:
        load = Load(fleet, world.proxy.url, http)
        async with sdk_clients(programs, world.proxy.url) as called, load.running():
            for name, event in events.items():
                await asyncio.to_thread(world.databases.wait_healthy)
                await asyncio.sleep(_BEFORE_SECONDS)
                _say(name)
                began, ended = await _happening(world, event, load)
                outcomes.append(outcome(name, began, ended, load.answered, called))
                _say(str(outcomes[-1]))
        await asyncio.to_thread(world.databases.wait_healthy)
        balance = await load.balance()
    await check_derived(url)
    return outcomes, balance


async def _happening(world: World, event: Event, load: Load) -> tuple[float, float]:
    """Let it happen, and wait until the load goes on without refusals; gives the moments of its start and end."""
    began = time.monotonic()
    broken = event(world)
    await asyncio.to_thread(broken.__enter__)
    try:
        await _calm(load, began)
        ended = time.monotonic()
    finally:
        await asyncio.to_thread(broken.__exit__, None, None, None)
    return began, ended


async def _calm(load: Load, began: float) -> None:
    while (now := time.monotonic()) < began + _AT_MOST_SECONDS:
        lately = [one for one in load.answered if one.at > now - _CALM_SECONDS]
        if now > began + _AT_LEAST_SECONDS and len(lately) > 10 * _CALM_SECONDS and all(one.is_good for one in lately):
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"The load does not go on after {_AT_MOST_SECONDS} s.")


async def _speeds(world: World) -> dict[bool, list[Speed]]:
    """Measure reports with synchronous replication (True) and without, in turn: what counts is the ratio."""
    found: dict[bool, list[Speed]] = {True: [], False: []}
    for synchronous in [True, False] * _SPEED_ROUNDS:
        _say(f"measuring, synchronous replication {'on' if synchronous else 'off'}")
        await asyncio.to_thread(world.databases.configure, synchronous_mode=synchronous)
        await asyncio.sleep(6)  # a loop of Patroni's
        await asyncio.to_thread(world.databases.wait_healthy, synchronous=synchronous)
        found[synchronous].append(await _speed(world))
    return found


async def _speed(world: World) -> Speed:
    fleet = await make_fleet(world.databases.url())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http:
        load = Load(fleet, world.proxy.url, http)
        load.pause_seconds = 0
        async with load.running():
            await asyncio.sleep(2)
            before = len(load.answered)
            await asyncio.sleep(_SPEED_SECONDS)
            measured = load.answered[before:]
    return speed(measured, _SPEED_SECONDS)


def _folder(path: Path) -> Path:
    path.mkdir()
    shutil.chown(path, USER, USER)
    return path


def _say(text: str) -> None:
    print(f"ha: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
