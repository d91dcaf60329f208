"""The device as the agent knows it: its boot, its clocks, and what it observed, kept on its disk."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

import attrs

from firmtrail_agent import boot, directories, durable
from firmtrail_agent.boot import Boot
from firmtrail_agent.clock import Clocks
from firmtrail_agent.observed import Observed
from firmtrail_agent.spool import Spool
from firmtrail_agent.surroundings import Surroundings


@attrs.frozen(kw_only=True)
class Device:
    """What outlasts a round; what is on the disk outlasts the agent and the boot."""

    boot: Boot
    clocks: Clocks
    observed: Observed
    #: keeps other agents out; None: nothing can be kept on the disk
    lock: int | None

    def close(self) -> None:
        """Let another agent have it."""
        if self.lock is not None:
            os.close(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_device(around: Surroundings) -> Device:
    """Take the device into use.

    Raises:
        InUse: another agent has it.
    """
    state = directories.state(around.environment, around.root)
    lock = directories.hold(state)
    with suppress(OSError):
        durable.make_directory(state)
    return _device(around, state, lock)


def borrow_device(around: Surroundings) -> Device:
    """Look at a device that an agent may be using; nothing of it is changed, and what is observed is kept in memory."""
    return _device(around, directories.state(around.environment, around.root), None, is_borrowed=True)


def _device(around: Surroundings, state: Path, lock: int | None, *, is_borrowed: bool = False) -> Device:
    spool = Spool(None if is_borrowed else state / "spool", boot_time=around.boot_time)
    boot_id = boot.read_boot_id(around.environment, around.root)
    this = boot.number_boot(boot_id, state, observed=spool.last_reading, store=not is_borrowed)
    clocks = Clocks(
        this,
        boot_time=around.boot_time,
        wall_time=around.wall_time,
        monotonic=around.monotonic,
        root=around.root,
    )
    return Device(boot=this, clocks=clocks, observed=Observed(spool, None if is_borrowed else state), lock=lock)
