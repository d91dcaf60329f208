"""The commands that do something: each does one thing, says how it went and gives an exit code.

Those that only look are in inspections.py.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from firmtrail_agent.cli import output
from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.config import configuration
from firmtrail_agent.config.configuration import Configuration
from firmtrail_agent.config.layers import Layers, layers_of, open_to_others
from firmtrail_agent.config.settings import Settings, read_settings
from firmtrail_agent.daemon import status_file
from firmtrail_agent.sources import read_all
from firmtrail_agent.system import directories, log

if TYPE_CHECKING:  # the commands that need no network start faster without the SDK
    from firmtrail_agent.report.report import Report
    from firmtrail_agent.system.host import Surroundings

T = TypeVar("T")


def report(options: argparse.Namespace) -> int:
    """Read every version now and report it."""
    done = _dry_run(options) if options.dry_run else _report(options)
    results = done.results
    if options.json:
        show_json(output.results_json(results))
    else:
        show(*output.results_table(results))
    for result in results:
        if result.error:
            log.error(f"{result.reading.component}: {result.error}")
    for loss in done.losses:
        log.error(loss)
    return done.exit_code


def run(options: argparse.Namespace) -> int:
    """Report now and then until SIGTERM."""
    import asyncio  # noqa: PLC0415  see above

    from firmtrail_agent.daemon.agent import Agent  # noqa: PLC0415  see above

    agent = Agent(_settings(options), _surroundings(options))
    # Not asyncio.run, which ends only when the thread has ended that asks for an address: see main.py
    asyncio.new_event_loop().run_until_complete(agent.run())
    return os.EX_OK


def version(options: argparse.Namespace) -> int:
    """Read every version now and show it."""
    readings = read_all(configuration.load_sources(layers_of(options)), options.root)
    if options.json:
        show_json(output.readings_json(readings))
    else:
        show(*(output.explained_table(readings) if options.explain else output.readings_table(readings)))
        for reading in readings:
            if reading.error and not options.explain:
                log.error(f"{reading.component}: {reading.error}")
    present = [reading for reading in readings if not reading.is_absent]
    return os.EX_OK if present and not any(reading.error for reading in present) else os.EX_DATAERR


def spool_flush(options: argparse.Namespace) -> int:
    """Send what waits, or let the running agent do so."""
    from firmtrail_agent.report.report import send_all  # noqa: PLC0415  see above
    from firmtrail_agent.server.failures import EXIT_CODES  # noqa: PLC0415  see above
    from firmtrail_agent.state.device import open_device  # noqa: PLC0415  see above

    if _running(options):
        return _wake_the_agent(options)
    settings = _settings(options)
    with open_device(_surroundings(options), settings.configuration.device_id) as device:
        waiting = len(device.observed.spool.records)
        delivery = _in_a_loop(send_all(settings, device))
    if delivery.failure:
        log.error(f"{delivery.failure.trouble}: {delivery.failure.message}")
        return EXIT_CODES[delivery.failure.trouble]
    for words in delivery.refused:
        log.error(f"the server refuses a record, it is put aside: {words}")
    show(f"{waiting - len(delivery.refused)} records sent")
    return os.EX_DATAERR if delivery.refused else os.EX_OK


def spool_purge(options: argparse.Namespace) -> int:
    """Throw away what waits, and what was put aside of other devices."""
    from firmtrail_agent.state import record_files  # noqa: PLC0415  see above

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


def _load(layers: Layers) -> Configuration:
    """Read the configuration. Who may change it is said, not refused: an update of the agent must silence no device."""
    for problem in open_to_others(layers):
        log.warning(problem)
    return configuration.load(layers)


def _settings(options: argparse.Namespace) -> Settings:
    layers = layers_of(options)
    return read_settings(lambda: _load(layers), os.environ)


def _dry_run(options: argparse.Namespace) -> Report:
    from firmtrail_agent.report.report import Report, Result  # noqa: PLC0415  see above

    readings = read_all(_load(layers_of(options)).sources, options.root)
    results = [Result(reading=reading) for reading in readings if not reading.is_absent]
    return Report(results=results, losses=[], is_kept=True)


def _report(options: argparse.Namespace) -> Report:
    from firmtrail_agent.report.report import report_once  # noqa: PLC0415  see above
    from firmtrail_agent.state.device import borrow_device, open_device  # noqa: PLC0415  see above

    settings, around = _settings(options), _surroundings(options)
    device_id = settings.configuration.device_id
    try:
        device = open_device(around, device_id)
    except directories.InUse:
        device = borrow_device(around, device_id)  # the spool is the running agent's affair
    with device:
        return _in_a_loop(report_once(settings, device, options.root))


def _in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    import asyncio  # noqa: PLC0415  see above

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, also in the middle of a look-up
    return asyncio.new_event_loop().run_until_complete(work)


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


def _running(options: argparse.Namespace) -> bool:
    return directories.is_held(directories.runtime(os.environ, options.root))


def _surroundings(options: argparse.Namespace) -> Surroundings:
    from firmtrail_agent.system.host import Surroundings  # noqa: PLC0415  see above

    return Surroundings(environment=os.environ, root=options.root)
