"""fwupd: the firmware of every device that it knows, each a component of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.naming import Part, by_component
from firmtrail_agent.sources.engine.source import Found, Said, SourceFailed
from firmtrail_agent.sources.support import json_text, validators
from firmtrail_agent.sources.support.programs import ProgramFailed, located, output_of

COMMAND = ("fwupdmgr", "get-devices", "--json")
PLACE = " ".join(COMMAND)
MAX_BYTES = 1024 * 1024
#: its daemon may have to be started, and looks at all the hardware first
TIMEOUT_SECONDS = 20


@attrs.frozen(kw_only=True)
class Fwupd:
    """All devices that have a version, or those chosen by name, device id or GUID."""

    type: ClassVar[str] = "fwupd"
    components: Mapping[str, str] | None = attrs.field(default=None, validator=validators.components)
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    @property
    def component(self) -> str:
        return self.type

    def find(self, root: Path) -> Iterator[Said]:
        try:
            output = output_of(located(root, COMMAND), max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        except ProgramFailed as failure:
            raise SourceFailed(_reason(failure.output) or str(failure)) from None
        return by_component(list(parts(output)), self.components)


def parts(output: str) -> Iterator[Part]:
    """Take every device that has a version."""
    devices = json_text.at(json_text.printed(output, PLACE), "Devices")
    if not isinstance(devices, list):
        raise SourceFailed(_reason(output) or f"{PLACE} printed no list of devices")
    for device in json_text.items(devices):
        version, device_id = json_text.at(device, "Version"), json_text.at(device, "DeviceId")
        known_as = [json_text.at(device, "Name"), device_id, *json_text.items(json_text.at(device, "Guid"))]
        names = [name for name in known_as if isinstance(name, str)]
        if names and isinstance(version, str):
            detail = f"{PLACE}: {names[0]}, device {device_id}"
            yield Part(names=names, said=Found(component=names[0], version=version, detail=detail))


def _reason(output: str) -> str | None:
    """Find why there are no devices, which fwupdmgr says in JSON too."""
    with suppress(SourceFailed):
        reason = json_text.at(json_text.printed(output, PLACE), "Error", "Message")
        return f"{PLACE}: {reason}" if isinstance(reason, str) and reason else None
    return None
