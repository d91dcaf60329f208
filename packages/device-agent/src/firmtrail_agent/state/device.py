"""The device as the agent knows it: its boot, its clocks, and what it observed, kept on its disk."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from typing import Self

import attrs

from firmtrail_agent.state import record_files
from firmtrail_agent.state.observations import Observations
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.system import atomic_file, boot, directories, log
from firmtrail_agent.system.boot import Boot
from firmtrail_agent.system.clock import Clocks
from firmtrail_agent.system.host import Host


@attrs.frozen(kw_only=True)
class Device:
    """What outlasts a round; what is on the disk outlasts the agent and the boot."""

    boot: Boot
    clocks: Clocks
    observations: Observations
    #: keeps other agents out; None: nothing can be kept on the disk
    lock: int | None

    def belong_to(self, device_id: uuid.UUID) -> None:
        """Go on as another device of the server: what was observed before is not said to be of that one."""
        if device_id != self.observations.spool.device_id:
            self.observations.belong_to(device_id)
            _tell_of_others(self.observations.spool)

    def close(self) -> None:
        """Let another agent have it."""
        if self.lock is not None:
            os.close(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_device(host: Host, device_id: uuid.UUID) -> Device:
    """Take the device into use, by the id that it has now.

    Raises:
        InUse: another agent has it.
    """
    state = directories.state(host.environment, host.root)
    lock = directories.hold(state)
    with suppress(OSError):
        atomic_file.make_directory(state)
    boot_id = boot.read_boot_id(host.environment, host.root)
    spool = Spool(
        state / "spool",
        device_id,
        boot_time=host.boot_time,
        takes_unowned=boot.has_run_in(boot_id, state),
    )
    _tell_of_others(spool)
    this = boot.number_boot(boot_id, state, observed=spool.last_reading)
    return Device(boot=this, clocks=_clocks(host, this), observations=Observations(spool, state), lock=lock)


def borrow_device(host: Host, device_id: uuid.UUID) -> Device:
    """Look at a device that an agent may be using; nothing of it is changed, and what is observed is kept in memory."""
    state = directories.state(host.environment, host.root)
    boot_id = boot.read_boot_id(host.environment, host.root)
    this = boot.number_boot(boot_id, state, store=False)
    spool = Spool(None, device_id, boot_time=host.boot_time)
    return Device(boot=this, clocks=_clocks(host, this), observations=Observations(spool, None), lock=None)


def _clocks(host: Host, this: Boot) -> Clocks:
    return Clocks(
        this,
        boot_time=host.boot_time,
        wall_time=host.wall_time,
        monotonic=host.monotonic,
        root=host.root,
    )


def _tell_of_others(spool: Spool) -> None:
    if spool.newly_others:
        log.warning(
            f"{spool.newly_others} waiting records are of another device and are not sent: this device has another id, "
            f"or its disk was copied. They are kept in the spool's directory {record_files.OTHERS}."
        )
