"""`status`: say how the agent that runs is."""

from __future__ import annotations

import argparse
import json
import os

import attrs

from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.config.layers import open_to_others
from firmtrail_agent.daemon import status_file
from firmtrail_agent.system import boot, directories

#: as sysv-init scripts answer `status`
HEALTHY, DEGRADED, NOT_RUNNING = 0, 1, 3


def status(options: argparse.Namespace) -> int:
    runtime = directories.runtime(os.environ, options.root)
    left = status_file.read(runtime) if directories.is_held(runtime) else None
    if left is None:
        show(json.dumps({"state": "not running"}) if options.json else "not running")
        return NOT_RUNNING
    now = boot.boot_time()
    said = status_file.judged(left, now)
    said = attrs.evolve(said, problems=[*said.problems, *open_to_others(layers_of(options))])
    if options.json:
        show_json(status_file.as_json(said))
    else:
        show(status_file.sentence(said, now))
    return DEGRADED if said.state == "degraded" else HEALTHY
