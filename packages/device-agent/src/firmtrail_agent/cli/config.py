"""`config show`: every setting with its value, and where that comes from."""

from __future__ import annotations

import argparse
import json
import os

from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.cli.output import show
from firmtrail_agent.config import configuration
from firmtrail_agent.system import log


def config_show(options: argparse.Namespace) -> int:
    problems: list[str] = []
    for name, value, place in configuration.explain(layers_of(options), problems):
        shown = "not set" if value is None else json.dumps(value, ensure_ascii=False, default=str)
        show(f"{name} = {shown}  # {place}")
    for problem in problems:
        log.error(problem)
    return os.EX_CONFIG if problems else os.EX_OK
