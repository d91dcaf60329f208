"""What it costs to import the SDK, the command, httpx, and the SDKs of others."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

from bench.peers import install

_PEERS = Path(__file__).parents[2] / ".venv-bench/bin/python"
_OURS = {
    "import httpx": "import httpx",
    "import firmtrail": "import firmtrail",
    "firmtrail.Client(...)": "import firmtrail; firmtrail.Client('http://127.0.0.1', api_key='id:secret')",
    "the command, ready to list devices": "from firmtrail.cli.commands import parser; parser(['devices'])",
}
_OTHERS = {
    "import openai": "import openai",
    "openai.OpenAI(...)": "import openai; openai.OpenAI(api_key='x')",
    "import stripe": "import stripe",
    "stripe.StripeClient(...)": "import stripe; stripe.StripeClient('sk_test_x')",
}


def import_costs(rounds: int, *, with_peers: bool) -> dict[str, float]:
    """Measure milliseconds of CPU beyond those of an empty program, the median of the rounds."""
    costs = _costs(Path(sys.executable), _OURS, rounds)
    if with_peers:
        install()
        costs |= _costs(_PEERS, _OTHERS, rounds)
    return costs


def _costs(python: Path, programs: dict[str, str], rounds: int) -> dict[str, float]:
    spent: dict[str, list[float]] = {name: [] for name in ("", *programs)}
    for _ in range(rounds + 1):
        for name, program in {"": "pass", **programs}.items():
            spent[name].append(_cpu_ms(python, program))
    empty = statistics.median(spent.pop("")[1:])
    return {name: statistics.median(each[1:]) - empty for name, each in spent.items()}  # the first writes bytecode


def _cpu_ms(python: Path, program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1_000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
