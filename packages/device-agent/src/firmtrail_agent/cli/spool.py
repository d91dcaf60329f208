"""`spool list`, `spool flush` and `spool purge`: what waits to be sent."""

from __future__ import annotations

import argparse
import json
import os
import signal
import uuid
from contextlib import suppress
from typing import Any

from firmtrail import ClockReading, ComponentReading, ObservationRecord, to_json
from firmtrail_agent.cli.event_loop import wait_for
from firmtrail_agent.cli.options import layers_of, settings_of
from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.config import configuration
from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.daemon import status_file
from firmtrail_agent.report.report import send_all
from firmtrail_agent.server.failures import EXIT_CODES
from firmtrail_agent.state import record_files
from firmtrail_agent.state.device import open_device
from firmtrail_agent.state.record_files import Owned
from firmtrail_agent.system import directories, log
from firmtrail_agent.system.host import Host


def spool_list(options: argparse.Namespace) -> int:
    """Show what waits to be sent, oldest first."""
    directory = directories.state(os.environ, options.root) / "spool"
    known = _device_id(options)
    found = record_files.look_into(directory)
    waiting = [one for one in found if known in {None, one.device_id}]
    others = len(found) - len(waiting) + len(record_files.files_in(directory / record_files.OTHERS))
    if options.json:
        show_json([_as_json(one) for one in waiting])
    else:
        for one in waiting:
            show(_told(one.record))
        if not waiting:
            log.info(f"nothing waits in {directory}")
    if others:
        log.warning(f"{others} records of another device are kept in {directory} and are not sent")
    return os.EX_OK


def spool_flush(options: argparse.Namespace) -> int:
    """Send what waits, or let the running agent do so."""
    if directories.is_held(directories.runtime(os.environ, options.root)):
        return _wake_the_agent(options)
    settings = settings_of(options)
    host = Host(environment=os.environ, root=options.root)
    with open_device(host, settings.configuration.device_id) as device:
        waiting = len(device.observations.spool.records)
        delivery = wait_for(send_all(settings, device))
    if delivery.failure:
        log.error(f"{delivery.failure.trouble}: {delivery.failure.message}")
        return EXIT_CODES[delivery.failure.trouble]
    for words in delivery.refused:
        log.error(f"the server refuses a record, it is put aside: {words}")
    show(f"{waiting - len(delivery.refused)} records sent")
    return os.EX_DATAERR if delivery.refused else os.EX_OK


def spool_purge(options: argparse.Namespace) -> int:
    """Throw away what waits, and what was put aside of other devices."""
    state = directories.state(os.environ, options.root)
    lock = directories.hold(state)
    thrown_away = record_files.purge(state / "spool")
    if lock is not None:
        os.close(lock)
    if record_files.files_in(state / "spool"):
        log.error(f"the records in {state / 'spool'} cannot be removed: see that its disk is not read-only")
        return os.EX_CANTCREAT
    show(f"{thrown_away} records thrown away")
    return os.EX_OK


def _device_id(options: argparse.Namespace) -> uuid.UUID | None:
    with suppress(BadConfiguration):
        return configuration.load(layers_of(options)).device_id
    return None


def _wake_the_agent(options: argparse.Namespace) -> int:
    said = status_file.read(directories.runtime(os.environ, options.root))
    try:
        if said is None or not status_file.is_alive(said):
            raise ProcessLookupError("it has not yet left word which process it is")
        os.kill(said.pid, signal.SIGUSR1)
    except OSError as error:
        log.error(f"the agent that runs cannot be told to report: {error}")
        return os.EX_TEMPFAIL
    show("the agent that runs is told to report now")
    return os.EX_OK


def _as_json(owned: Owned) -> dict[str, Any]:
    return {"device_id": str(owned.device_id), **json.loads(to_json(owned.record))}


def _told(record: ObservationRecord) -> str:
    first, last = record.first_observed, record.last_observed or record.first_observed
    components = ", ".join(f"{one.component} {_said(one)}" for one in record.components)
    return f"boot {first.boot_sequence} +{_seconds(first)} to boot {last.boot_sequence} +{_seconds(last)}: {components}"


def _said(reading: ComponentReading) -> str:
    return reading.version or f"{'gone' if reading.gone else 'failed'}: {reading.error}"


def _seconds(reading: ClockReading) -> str:
    return f"{reading.boot_time_ms / 1000:.0f} s"
