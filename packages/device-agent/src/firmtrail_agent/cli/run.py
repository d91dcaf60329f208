"""`run`: report now and then until SIGTERM, as a service."""

from __future__ import annotations

import argparse
import os

from firmtrail_agent.cli.event_loop import run_forever
from firmtrail_agent.cli.options import settings_of
from firmtrail_agent.daemon.agent import Agent
from firmtrail_agent.system import memory
from firmtrail_agent.system.host import Host


def run(options: argparse.Namespace) -> int:
    memory.save()
    agent = Agent(settings_of(options), Host(environment=os.environ, root=options.root))
    run_forever(agent.run())
    return os.EX_OK
