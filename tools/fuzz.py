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

from demo_server import ServerStopped, program, running_server
from fuzz_world import build

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_EXAMPLES = 50

# Secrets come by the environment: a file would have to be protected, and arguments are for all to see.
# Made-up credentials would hide what comes after them; the check ignored_auth sends its own. Real ones come from
# fuzz_hooks.py: of what a configuration says of single operations, a session keeps the first for all.
_CONFIGURATION = """
hooks = "fuzz_hooks.py"
color = false
suppress-health-check = ["all"]

[warnings]
fail-on = ["missing_auth", "missing_test_data"]

[parameters]
"path.project_id" = "${FUZZ_PROJECT_ID}"
"path.device_id" = "${FUZZ_SPARE_DEVICE_ID}"
"path.api_key_id" = "${FUZZ_SPARE_PROJECT_KEY_ID}"
"path.enrollment_key_id" = "${FUZZ_SPARE_ENROLLMENT_KEY_ID}"
"path.invitation_id" = "${FUZZ_SPARE_INVITATION_ID}"
"path.user_id" = "${FUZZ_USER_ID}"

[generation]
with-security-parameters = false

[phases.coverage]
unexpected-methods = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]

# What is wrong may be too long as well, and is refused for that first.
[checks.negative_data_rejection]
expected-statuses = ["4xx"]

# It would pass ids from one answer to the next request, but these are given above.
[phases.stateful]
enabled = false
"""
_REPORTING_DEVICE = 'parameters = { "path.device_id" = "${FUZZ_DEVICE_ID}" }'
#: They use up what they are about: nearly all of them are 404.
_SOON_NOT_FOUND = "warnings = false"
_DOOMED_DEVICE = 'parameters = { "path.device_id" = "${FUZZ_DOOMED_DEVICE_ID}" }\n' + _SOON_NOT_FOUND
#: Refused for everybody: the server is started without FIRMTRAIL_METRICS_TOKEN and FIRMTRAIL_SMTP_URL.
_FOR_NOBODY = "warnings = false"
_SPARE_DEVICE_KEY = 'parameters = { "path.api_key_id" = "${FUZZ_SPARE_DEVICE_KEY_ID}" }\n' + _SOON_NOT_FOUND
#: A password that is right would end the token of everything else.
_NEVER_RIGHT = "checks.positive_data_acceptance.enabled = false\nwarnings = false"
#: What no schema says is refused too: fillers for hardware, with `strict` a moment that cannot be right, and too long
#: stretches of time.
_MORE_RULES = "checks.positive_data_acceptance.enabled = false"
#: Its path takes other methods too, which are documented where `current` stands for {project_id}.
_MORE_METHODS = "phases.coverage.unexpected-methods = []"
#: what is special about an operation
_OPERATIONS = {
    "enroll_device": _MORE_RULES,
    "get_adoption": _MORE_RULES,
    "list_rollbacks": _MORE_RULES,
    "list_flapping_devices": _MORE_RULES,
    "get_current_project": _MORE_METHODS,
    "report_firmware_version": f"{_REPORTING_DEVICE}\n{_MORE_RULES}",
    "report_firmware_batch": _REPORTING_DEVICE,
    "list_firmware_versions": _REPORTING_DEVICE,
    "rotate_device_api_key": _SPARE_DEVICE_KEY,
    "delete_device_api_key": _SPARE_DEVICE_KEY,
    "confirm_device_api_key": _SPARE_DEVICE_KEY,
    "metrics": _FOR_NOBODY,
    "accept_invitation": _SOON_NOT_FOUND,
    "delete_api_key": _SOON_NOT_FOUND,
    "delete_device": _DOOMED_DEVICE,
    "delete_enrollment_key": _SOON_NOT_FOUND,
    "revoke_invitation": _SOON_NOT_FOUND,
    "rotate_api_key": _SOON_NOT_FOUND,
    "change_my_password": _NEVER_RIGHT,
    "end_my_session": _SOON_NOT_FOUND,
    "confirm_sign_up": _SOON_NOT_FOUND,
    "reset_password": _SOON_NOT_FOUND,
    "request_password_reset": _FOR_NOBODY,
}


def _configuration() -> str:
    operations = [
        f'[[operations]]\ninclude-operation-id = "{name}"\n{special}\n' for name, special in _OPERATIONS.items()
    ]
    return "\n".join([_CONFIGURATION, *operations])


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
    known = build(url, folder / "data")
    configuration = folder / "schemathesis.toml"
    configuration.write_text(_configuration(), encoding="utf-8")
    shutil.copy(ROOT / "tools" / "fuzz_hooks.py", folder)
    command = [program("schemathesis"), "--config-file", configuration, "run", ROOT / "openapi.json", "--url", url]
    command += ["--seed", str(options.seed), "--max-examples", str(options.examples), "--continue-on-failure"]
    command += ["--generation-database", "none"]
    return subprocess.run(command, cwd=folder, env=os.environ | known, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
