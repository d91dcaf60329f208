"""The demo project, kept between starts, and its device: this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

from demo_server import program

from firmtrail import AuthenticationError, Client, NotFoundError
from firmtrail_contract import Seed, lenient_converter

REPORT_TIMEOUT_SECONDS = 60

_converter = lenient_converter()


class CannotReport(Exception):
    """The device agent could not report; the message holds its own words."""


def keep_project(url: str, folder: Path) -> Seed:
    """Return the project of the last start, or make one and keep its ids and keys in `folder`."""
    file = folder / "project.json"
    if (kept := _kept(file)) and _is_known(url, kept):
        return kept
    with Client(url) as client:
        seed = client.seed()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_privately(file, json.dumps(_converter.unstructure(seed), indent=2) + "\n")
    return seed


def _kept(file: Path) -> Seed | None:
    with contextlib.suppress(Exception):  # whatever is wrong with the file, a new project replaces it
        return _converter.structure(json.loads(file.read_text(encoding="utf-8")), Seed)
    return None


def _is_known(url: str, seed: Seed) -> bool:
    """Whether the server's database is still the one that the project was made in."""
    with Client(url, api_key=f"{seed.project_api_key.id}:{seed.project_api_key.secret}") as client:
        try:
            client.firmware.history(seed.device.id).first()
        except (AuthenticationError, NotFoundError):
            return False
    return True


def report_this_machine(url: str, seed: Seed, folder: Path) -> None:
    """Run the device agent once, as a device would: with a configuration and a key file of its own.

    Raises:
        CannotReport: it did not succeed.
    """
    key, config = folder / "agent.key", folder / "agent.toml"
    _write_privately(key, f"{seed.device_api_key.id}:{seed.device_api_key.secret}\n")
    _write_privately(config, _configuration(url, seed, key))
    result = subprocess.run(
        [program("firmtrail-agent"), "report", "--once", "--config", config],
        env=_environment() | {"STATE_DIRECTORY": str(folder / "agent"), "RUNTIME_DIRECTORY": str(folder / "agent")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=REPORT_TIMEOUT_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()
        raise CannotReport(f"The device agent ended with exit code {result.returncode}:\n{said}")


def _configuration(url: str, seed: Seed, key: Path) -> str:
    return f"""\
# Written by ./dev run at every start.

[server]
url = {json.dumps(url)}

[device]
id = "{seed.device.id}"
key_file = {json.dumps(str(key))}
"""


def _environment() -> dict[str, str]:
    """Ours, without what would go before the configuration file."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FIRMTRAIL_AGENT_") and name != "CREDENTIALS_DIRECTORY"
    }


def _write_privately(file: Path, text: str) -> None:
    """Write a file that nobody else can read at any moment, and that is never half written."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(file)
