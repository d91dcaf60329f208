"""What a fuzzed server holds: one of everything that a path can name, and credentials of everybody who may ask."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
from demo_server import program

_EMAIL, _PASSWORD = "fuzz@example.com", "a password for the fuzzer"
_LATER = "2099-01-01T00:00:00Z"


def build(url: str, data_dir: Path) -> dict[str, str]:
    """Make a project whose device has reported; return ids and secrets, as variables of an environment."""
    with httpx.Client(base_url=f"{url}/v1/", trust_env=False) as http:
        _make_user(data_dir)
        grant = {"grant_type": "password", "username": _EMAIL, "password": _PASSWORD}
        token = _post(http, "oauth/token", data=grant)["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        project = _post(http, "projects", json={"name": "A project for the fuzzer"})
        return {
            "FUZZ_AS_USER": f"Bearer {token}",
            "FUZZ_PROJECT_ID": project["id"],
            **_keys_and_devices(http, f"projects/{project['id']}"),
            **_what_is_used_up(http, f"projects/{project['id']}"),
        }


def _make_user(data_dir: Path) -> None:
    command = [program("firmtrail-server"), "create-user", "--data-dir", data_dir, "--email", _EMAIL, "--name", "Fuzz"]
    subprocess.run(command, input=_PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL)


def _keys_and_devices(http: httpx.Client, path: str) -> dict[str, str]:
    """A device that reports, with a page token of its history, and a key for each who may ask."""
    device = _post(http, f"{path}/devices", json={"name": "A device that reports"})
    key = _post(http, f"devices/{device['id']}/api_keys", json={})
    admin = _post(http, f"{path}/api_keys", json={"role": "admin"})
    gateway = _post(http, f"{path}/api_keys", json={"role": "viewer", "reports_for_devices": True})
    enrollment = {"max_uses": 1_000_000, "expires_at": _LATER, "on_known": "replace_keys"}
    enrolling = _post(http, f"{path}/enrollment_keys", json=enrollment)
    report = f"devices/{device['id']}/firmware_version"
    for version in ("1.0", "1.1", "1.2"):
        http.post(report, json={"version": version}, auth=(key["id"], key["secret"])).raise_for_status()
    page = http.get(report, params={"page_size": 1}).raise_for_status().json()
    return {
        "FUZZ_DEVICE_ID": device["id"],
        "FUZZ_PAGE_TOKEN": page["next_page_token"],
        "FUZZ_AS_DEVICE": _basic(key),
        "FUZZ_AS_PROJECT": _basic(admin),
        "FUZZ_AS_GATEWAY": _basic(gateway),
        "FUZZ_AS_ENROLLMENT": _basic(enrolling),
        "FUZZ_PROJECT_KEY_ID": admin["id"],
        "FUZZ_PROJECT_SECRET": admin["secret"],
    }


def _what_is_used_up(http: httpx.Client, path: str) -> dict[str, str]:
    """Things that requests retire, rotate and delete."""
    device = _post(http, f"{path}/devices", json={"name": "A device to retire"})
    enrollment = {"max_uses": 1, "expires_at": _LATER}
    return {
        "FUZZ_SPARE_DEVICE_ID": device["id"],
        "FUZZ_DOOMED_DEVICE_ID": _post(http, f"{path}/devices", json={"name": "A device to delete"})["id"],
        "FUZZ_SPARE_DEVICE_KEY_ID": _post(http, f"devices/{device['id']}/api_keys", json={})["id"],
        "FUZZ_SPARE_PROJECT_KEY_ID": _post(http, f"{path}/api_keys", json={"role": "viewer"})["id"],
        "FUZZ_SPARE_ENROLLMENT_KEY_ID": _post(http, f"{path}/enrollment_keys", json=enrollment)["id"],
        "FUZZ_SPARE_INVITATION_ID": _post(http, f"{path}/invitations", json={"role": "viewer"})["id"],
        "FUZZ_USER_ID": http.get("users/me").raise_for_status().json()["id"],
    }


def _basic(issued: dict[str, str]) -> str:
    """The header that authenticates as a key."""
    return "Basic " + b64encode(f"{issued['id']}:{issued['secret']}".encode()).decode()


def _post(http: httpx.Client, path: str, **body: Any) -> Any:
    return http.post(path, **body).raise_for_status().json()
