"""`doctor`: look at all that a report needs, and say what mends each fault."""

from __future__ import annotations

import argparse
import os

import attrs

from firmtrail_agent.cli.event_loop import wait_for
from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.doctor.checks import Case, examine
from firmtrail_agent.system.host import Host

WELL, FAULTY = 0, 1


def doctor(options: argparse.Namespace) -> int:
    case = Case(layers=layers_of(options), host=Host(environment=os.environ, root=options.root))
    findings = wait_for(examine(case))
    if options.json:
        show_json([attrs.asdict(one) for one in findings])
    else:
        for one in findings:
            show(f"{one.state:<8} {one.check:<14} {one.detail}")
            if one.fix:
                show(f"{'':8} {'':14} fix: {one.fix}")
    return FAULTY if any(one.state == "fault" for one in findings) else WELL
