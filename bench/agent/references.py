"""What the agent is compared with: an interpreter that does nothing, its libraries alone, a report from a shell."""

from __future__ import annotations

import asyncio
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from bench.agent.running import DEVICE_ID, PYTHON, Ended, run_to_the_end
from bench.agent.wire import REPORT_PATH, Wire

_REPEATS = 5


@dataclass(frozen=True)
class Interpreter:
    """A Python after some imports."""

    cpu_ms: float
    rss_mb: float


def python_with(statement: str, modules: Path) -> Interpreter:
    """Run a Python that does nothing else."""
    program = f"{statement}\nprint(open('/proc/self/status').read())"
    runs = [run_to_the_end([*PYTHON, "-c", program], modules) for _ in range(_REPEATS)]
    rss = [int(run.output.split("VmRSS:")[1].split()[0]) / 1024 for run in runs]
    return Interpreter(statistics.median(run.cpu_ms for run in runs), statistics.median(rss))


async def curl_report(wire: Wire, certificate: Path, modules: Path) -> tuple[float, float]:
    """Report as a shell script would, without a spool; give the CPU time in ms and the bytes of one."""
    reading = {"boot_id": str(DEVICE_ID), "boot_sequence": 1, "boot_time_ms": 1000}
    record = {"first_observed": reading, "components": [{"component": "main", "version": "1.4.2"}]}
    body = json.dumps({"sent": reading, "records": [record]})
    url = wire.url + REPORT_PATH.format(device_id=DEVICE_ID)
    command = ["curl", "--silent", "--fail", "--cacert", certificate, "--user", "made:up", "--json", body, url]
    before = wire.bytes
    runs: list[Ended] = []
    for _ in range(_REPEATS):
        runs.append(await asyncio.to_thread(run_to_the_end, command, modules))
        await wire.report()
    return statistics.median(run.cpu_ms for run in runs), (wire.bytes - before) / _REPEATS
