"""`version`: read every version now and show it; nothing is reported."""

from __future__ import annotations

import argparse
import os

from firmtrail_agent.cli import tables
from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.config import configuration
from firmtrail_agent.sources import read_all
from firmtrail_agent.system import log


def version(options: argparse.Namespace) -> int:
    readings = read_all(configuration.load_sources(layers_of(options)), options.root)
    if options.json:
        show_json(tables.readings_json(readings))
    else:
        show(*(tables.explained_table(readings) if options.explain else tables.readings_table(readings)))
        for reading in readings:
            if reading.error and not options.explain:
                log.error(f"{reading.component}: {reading.error}")
    present = [reading for reading in readings if not reading.is_absent]
    return os.EX_OK if present and not any(reading.error for reading in present) else os.EX_DATAERR
