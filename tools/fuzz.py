"""Send generated requests, good ones and bad ones, to a real server, and compare its answers with openapi.json.

`fuzz.py [--seed N] [--examples N]`. The server and its database are made for this and removed afterwards.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import httpx
from demo_server import ServerStopped, program, running_server

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_EXAMPLES = 100

# Secrets come by the environment: a file would have to be protected, and arguments are for all to see.
# Made-up credentials would hide what comes after them; the check ignored_auth sends its own.
_CONFIGURATION = """
hooks = "fuzz_hooks.py"
color = false
suppress-health-check = ["all"]

[warnings]
fail-on = ["missing_auth", "missing_test_data"]

[parameters]
"path.device_id" = "${FUZZ_DEVICE_ID}"

[generation]
with-security-parameters = false

[phases.coverage]
unexpected-methods = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]

[[operations]]
include-operation-id = "list_firmware_versions"
auth = { basic = { username = "${FUZZ_PROJECT_KEY_ID}", password = "${FUZZ_PROJECT_SECRET}" } }

[[operations]]
include-operation-id = "report_firmware_version"
auth = { basic = { username = "${FUZZ_DEVICE_KEY_ID}", password = "${FUZZ_DEVICE_SECRET}" } }

[[operations]]
include-operation-id = "report_firmware_batch"
auth = { basic = { username = "${FUZZ_DEVICE_KEY_ID}", password = "${FUZZ_DEVICE_SECRET}" } }
"""


def main() -> int:
    options = _options()
    _forget_configured_databases()
    # Not below a private folder: when root runs this, PostgreSQL is another user and has to reach its data.
    folder = Path(tempfile.gettempdir()) / f"firmtrail-fuzz-{uuid.uuid4().hex[:12]}"
    print(f"fuzz: seed {options.seed}; the same again: ./dev fuzz --seed {options.seed}", flush=True)
    started = time.monotonic()
    try:
        with running_server(folder / "data", "0") as server:
            return _fuzz(server.url, folder, options)
    except ServerStopped as stopped:
        print(f"fuzz: {stopped}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"fuzz: {time.monotonic() - started:.0f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="Fuzz a real server by openapi.json.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="repeat the run that printed it")
    parser.add_argument("--examples", type=int, default=DEFAULT_EXAMPLES, help="per operation and phase (%(default)s)")
    return parser.parse_args()


def _forget_configured_databases() -> None:
    for name in ("FIRMTRAIL_DATABASE_URL", "FIRMTRAIL_DATABASE_URL_FILE"):
        os.environ.pop(name, None)


def _fuzz(url: str, folder: Path, options: argparse.Namespace) -> int:
    known = _known_to(url)
    configuration = folder / "schemathesis.toml"
    configuration.write_text(_CONFIGURATION, encoding="utf-8")
    shutil.copy(ROOT / "tools" / "fuzz_hooks.py", folder)
    command = [program("schemathesis"), "--config-file", configuration, "run", ROOT / "openapi.json", "--url", url]
    command += ["--seed", str(options.seed), "--max-examples", str(options.examples), "--continue-on-failure"]
    command += ["--generation-database", "none"]
    return subprocess.run(command, cwd=folder, env=os.environ | known, check=False).returncode


def _known_to(url: str) -> dict[str, str]:
    """Make a project whose device has reported: its keys, and a page token that its history knows."""
    with httpx.Client(base_url=url, trust_env=False) as http:
        seed = http.post("/v1/seed").raise_for_status().json()
        device, project = seed["device_api_key"], seed["project_api_key"]
        path = f"/v1/devices/{seed['device']['id']}/firmware_version"
        for version in ("1.0", "1.1", "1.2"):
            http.post(path, json={"version": version}, auth=(device["id"], device["secret"])).raise_for_status()
        page = (
            http.get(path, params={"page_size": 1}, auth=(project["id"], project["secret"])).raise_for_status().json()
        )
    return {
        "FUZZ_DEVICE_ID": seed["device"]["id"],
        "FUZZ_DEVICE_KEY_ID": device["id"],
        "FUZZ_DEVICE_SECRET": device["secret"],
        "FUZZ_PROJECT_KEY_ID": project["id"],
        "FUZZ_PROJECT_SECRET": project["secret"],
        "FUZZ_PAGE_TOKEN": page["next_page_token"],
    }


if __name__ == "__main__":
    sys.exit(main())
