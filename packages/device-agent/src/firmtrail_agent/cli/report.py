"""`report`: read every version now and report it, once."""

from __future__ import annotations

import argparse
import os

from firmtrail_agent.cli import tables
from firmtrail_agent.cli.event_loop import wait_for
from firmtrail_agent.cli.options import layers_of, load_configuration, settings_of
from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.report.report import Report, report_once
from firmtrail_agent.report.results import Result
from firmtrail_agent.sources import read_all
from firmtrail_agent.state.device import borrow_device, open_device
from firmtrail_agent.system import directories, log
from firmtrail_agent.system.host import Host


def report(options: argparse.Namespace) -> int:
    done = _dry_run(options) if options.dry_run else _report(options)
    results = done.results
    if options.json:
        show_json(tables.results_json(results))
    else:
        show(*tables.results_table(results))
    for result in results:
        if result.error:
            log.error(f"{result.reading.component}: {result.error}")
    for loss in done.losses:
        log.error(loss)
    return done.exit_code


def _dry_run(options: argparse.Namespace) -> Report:
    readings = read_all(load_configuration(layers_of(options)).sources, options.root)
    results = [Result(reading=reading) for reading in readings if not reading.is_absent]
    return Report(results=results, losses=[], is_kept=True)


def _report(options: argparse.Namespace) -> Report:
    settings = settings_of(options)
    host = Host(environment=os.environ, root=options.root)
    device_id = settings.configuration.device_id
    try:
        device = open_device(host, device_id)
    except directories.InUse:
        device = borrow_device(host, device_id)  # the spool is the running agent's affair
    with device:
        return wait_for(report_once(settings, device, options.root))
