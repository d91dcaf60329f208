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

from firmtrail_server.access import Scope
from firmtrail_server.http.endpoint import Route
from firmtrail_server.routes import ROUTES

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_EXAMPLES = 20

# Secrets come by the environment: a file would have to be protected, and arguments are for all to see.
# Made-up credentials would hide what comes after them; the check ignored_auth sends its own.
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
"""
_BASIC = 'auth = { basic = { username = "${FUZZ_%s_KEY_ID}", password = "${FUZZ_%s_SECRET}" } }'
# What a header holds is sent by the check ignored_auth too.
_BEARER = 'headers = { Authorization = "Bearer ${FUZZ_USER_TOKEN}" }\nchecks.ignored_auth.enabled = false'
#: who asks for what; everything else the project's own key does
_HOLDERS = {
    Scope.FIRMWARE_REPORT: _BASIC % ("DEVICE", "DEVICE"),
    Scope.DEVICES_ENROLL: _BASIC % ("ENROLLMENT", "ENROLLMENT"),
    Scope.SELF: _BEARER,
    Scope.PROJECT_LEAVE: _BEARER,
}
_REPORTING_DEVICE = 'parameters = { "path.device_id" = "${FUZZ_DEVICE_ID}" }'
_SPARE_DEVICE_KEY = 'parameters = { "path.api_key_id" = "${FUZZ_SPARE_DEVICE_KEY_ID}" }'
_OF_THEIR_OWN = {
    "report_firmware_version": _REPORTING_DEVICE,
    "report_firmware_batch": _REPORTING_DEVICE,
    "list_firmware_versions": _REPORTING_DEVICE,
    "rotate_device_api_key": _SPARE_DEVICE_KEY,
    "delete_device_api_key": _SPARE_DEVICE_KEY,
}
#: No schema can say of a text that it is a table, or how many bytes it has.
_BEYOND_SCHEMAS = {"import_devices", "sign_up", "change_my_password"}
#: They use up what they are about: nearly all of them are 404.
_SOON_NOT_FOUND = {
    "accept_invitation",
    "delete_api_key",
    "delete_device",
    "delete_device_api_key",
    "delete_enrollment_key",
    "revoke_invitation",
    "rotate_api_key",
    "rotate_device_api_key",
}


def _configuration() -> str:
    """Say of each operation who asks, and what is special about it."""
    return _CONFIGURATION + "".join(_operation(route) for route in ROUTES)


def _operation(route: Route) -> str:
    name = route.handler.__name__
    lines: list[str] = []
    if not route.is_public:
        lines.append(_HOLDERS.get(route.scope, _BASIC % ("PROJECT", "PROJECT")))
    if name in _OF_THEIR_OWN:
        lines.append(_OF_THEIR_OWN[name])
    if name in _BEYOND_SCHEMAS:
        lines.append("checks.positive_data_acceptance.enabled = false")
    if name in _SOON_NOT_FOUND:
        lines.append("warnings = false")
    head = f'\n[[operations]]\ninclude-operation-id = "{name}"\n'
    return head + "\n".join(lines) + "\n" if lines else ""


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
