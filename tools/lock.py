"""Write the locks with uv: every package with its version, markers and hashes, and no address in them.

The versions already locked stay, unless a pyproject.toml asks for others or --upgrade is given.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = ["firmtrail", "firmtrail-agent", "firmtrail-contract", "firmtrail-postgres", "firmtrail-server"]
COMPILE = [
    *("uv", "pip", "compile", "--quiet", "--no-progress"),
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"),
    *(argument for name in WORKSPACE for argument in ("--no-emit-package", name)),
]
DEV_LOCK = "requirements-dev.lock"
RUN_LOCK = "requirements.lock"
BENCH_LOCK = "bench/requirements.lock"
IMAGE_LOCK = "requirements-image.lock"
HA_LOCK = "tools/ha/requirements.lock"


def main(arguments: list[str]) -> int:
    with_tools = [*COMPILE, "pyproject.toml", "--group", "dev", "--output-file", DEV_LOCK, *arguments]
    # The development tools are locked first: what both locks hold has one version.
    without_tools = [*COMPILE, "pyproject.toml", "--constraints", DEV_LOCK, "--output-file", RUN_LOCK, *arguments]
    images = [*COMPILE, "--group", "image", "--constraints", DEV_LOCK, "--output-file", IMAGE_LOCK, *arguments]
    # The peers of the benchmarks and Patroni live in environments of their own, without anything of ours.
    peers = [*COMPILE, "--group", "bench", "--output-file", BENCH_LOCK, *arguments]
    patroni = [*COMPILE, "--group", "ha", "--output-file", HA_LOCK, *arguments]
    return _run(with_tools) or _run(without_tools) or _run(images) or _run(peers) or _run(patroni)


def _run(command: list[str]) -> int:
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
