"""Projects and devices by their ids, or by the names that people know."""

from __future__ import annotations

import argparse
import os
import uuid
from typing import Any

import firmtrail
from firmtrail.cli.verbs import UsageError, positional
from firmtrail.errors import FirmtrailError, PermissionDeniedError
from firmtrail_contract import CurrentProject

PROJECT = positional("project", "its id or name", metavar="PROJECT")
#: else the one of --project, FIRMTRAIL_PROJECT or the API key
MAYBE_PROJECT = positional(
    "project", "its id or name; else --project", metavar="PROJECT", nargs="?", default=argparse.SUPPRESS
)
DEVICE = positional("device", "its id, or its name in the project", metavar="DEVICE")


class NoSuchName(FirmtrailError):
    """Nothing that this credential may see is called so."""


def project_id(client: firmtrail.Client, options: Any) -> str:
    """Find the project that a command names, or FIRMTRAIL_PROJECT does, or to which the API key belongs."""
    name: str = options.project or os.environ.get("FIRMTRAIL_PROJECT") or ""
    if _is_id(name):
        return name
    own = current_project(client)
    if name:
        known = client.projects.list() if own is None else [own]
        return _only([one.id for one in known if one.name == name], "project", name)
    if own is None:
        raise UsageError("Say which project: --project NAME, or set FIRMTRAIL_PROJECT. See: firmtrail projects list")
    return str(own.id)


def current_project(client: firmtrail.Client) -> CurrentProject | None:
    """Look up the project of the API key; None: it is a user who asks, or a token that leaves the question out."""
    try:
        return client.projects.current()
    except PermissionDeniedError:
        return None


def device_id(client: firmtrail.Client, options: Any) -> str:
    """Find the device that a command names; by its id, no project is needed."""
    name: str = options.device
    if _is_id(name):
        return name
    like = client.devices.list(project_id(client, options), name=name, state="any", page_size=1_000)
    return _only([one.id for one in like if one.name == name], "device", name)


def _is_id(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _only(found: list[uuid.UUID], kind: str, name: str) -> str:
    if not found:
        raise NoSuchName(f"There is no {kind} called {name!r} that you can see. See: firmtrail {kind}s list")
    if len(found) > 1:
        raise NoSuchName(f"{len(found)} {kind}s are called {name!r}; say the id: {', '.join(map(str, found))}.")
    return str(found[0])
