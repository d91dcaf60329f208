"""What `rauc status` says of the slots, in JSON, or for a shell where RAUC was built without JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

import attrs

from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import json_text

#: RAUC names them in the place of a slot when it was started from a USB stick or over the network (`rauc.external`)
OUTSIDE = frozenset({"_external_", "/dev/nfs"})
_ASSIGNMENT = re.compile(r"""^(RAUC_\w+)=(["']?)(.*)\2$""", re.MULTILINE)


@attrs.frozen
class _Slot:
    name: str
    state: Any
    version: Any


def booted_in_json(output: str, place: str) -> tuple[str, str | None]:
    """Take the name and the version of the one slot that is booted; None: RAUC does not know it."""
    status = json_text.printed(output, place)
    slots: list[_Slot] = []
    for named in json_text.items(json_text.at(status, "slots")):
        if isinstance(named, dict):
            for name, slot in cast("dict[str, Any]", named).items():
                version = json_text.at(slot, "slot_status", "bundle", "version")
                slots.append(_Slot(name, json_text.at(slot, "state"), version))
    return _booted(slots, json_text.at(status, "booted"), place)


def booted_in_shell(output: str, place: str) -> tuple[str, str | None]:
    """Take the same from assignments, in which the slots are numbered."""
    values = {name: value for name, _, value in _ASSIGNMENT.findall(output)}
    names = values.get("RAUC_SYSTEM_SLOTS", "").split()
    slots = [
        _Slot(name, values.get(f"RAUC_SLOT_STATE_{number}"), values.get(f"RAUC_SLOT_STATUS_BUNDLE_VERSION_{number}"))
        for number, name in enumerate(names, start=1)
    ]
    return _booted(slots, values.get("RAUC_SYSTEM_BOOTED_BOOTNAME"), place)


def _booted(slots: Sequence[_Slot], bootname: Any, place: str) -> tuple[str, str | None]:
    booted = [slot for slot in slots if slot.state == "booted"]
    if not booted and isinstance(bootname, str) and bootname in OUTSIDE:
        raise SourceAbsent(f"{place}: what runs was started from outside RAUC's slots")
    if len(booted) != 1:
        raise SourceFailed(f"{place} names {len(booted)} booted slots, not one")
    version = booted[0].version
    return booted[0].name, version if isinstance(version, str) and version else None
