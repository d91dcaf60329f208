"""seed.py FOLDER: make the demo project once, and hand each side its key.

The agent's configuration, with its device's key, goes into FOLDER; the project's key into the profile of a member.
"""

# ruff: noqa: INP001, T201  a script, not a package; it talks to people in a terminal

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import firmtrail

PATIENCE_SECONDS, PAUSE_SECONDS = 120, 2
PROFILE = Path.home() / ".config" / "firmtrail" / "config.toml"


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0])
    if (folder / "api-key").exists():
        print("seed: the demo project is there already")
        return 0
    with firmtrail.Client(os.environ["FIRMTRAIL_URL"]) as client:
        seed = _seed(client)
    _equip_member(seed)
    _equip_agent(folder, seed)
    print(f"seed: made project {seed.project.id} with device {seed.device.id}")
    return 0


def _seed(client: firmtrail.Client) -> firmtrail.Seed:
    """Ask until the server answers; depends_on alone is not enough: some engines ignore its conditions."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return client.seed()
        except (firmtrail.TransportError, firmtrail.ServerError):
            if time.monotonic() > give_up_at:
                raise
            time.sleep(PAUSE_SECONDS)


def _equip_member(seed: firmtrail.Seed) -> None:
    key = seed.project_api_key
    profile = f"""\
[profiles.default]
url = {_toml(os.environ["FIRMTRAIL_URL"])}
api_key = {_toml(f"{key.id}:{key.secret}")}
"""
    _write(PROFILE, profile)
    _write(PROFILE.with_name("demo-device"), f"{seed.device.id}\n")


def _equip_agent(folder: Path, seed: firmtrail.Seed) -> None:
    key_file, version_file = folder / "api-key", folder / "version"
    configuration = f"""\
[server]
url = {_toml(os.environ["FIRMTRAIL_URL"])}

[device]
id = "{seed.device.id}"
key_file = {_toml(str(key_file))}

[report]
interval_seconds = 10
first_within_seconds = 0

[[sources]]
type = "file"
component = "main"
path = {_toml(str(version_file))}
"""
    _write(folder / "config.toml", configuration)
    _write(version_file, "1.4.2\n")
    _write(key_file, f"{seed.device_api_key.id}:{seed.device_api_key.secret}\n")  # last: it stands for all of them


def _toml(text: str) -> str:
    return json.dumps(text)  # what JSON escapes, TOML's basic strings escape the same way


def _write(path: Path, text: str) -> None:
    """Write for the owner alone, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
