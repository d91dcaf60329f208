"""The BIOS or UEFI firmware of machines that have SMBIOS tables."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources import keys
from firmtrail_agent.sources.places import below, read_text
from firmtrail_agent.sources.reading import Found, SourceAbsent

FILE = "/sys/class/dmi/id/bios_version"
MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class Dmi:
    """What the machine's vendor wrote into the BIOS version."""

    type: ClassVar[str] = "dmi"
    component: str = attrs.field(default="bios", validator=keys.component)

    def find(self, root: Path) -> list[Found]:
        file = below(root, FILE)
        version = read_text(file, max_bytes=MAX_BYTES).removesuffix("\n")
        if not version.strip():
            raise SourceAbsent(f"{file} is blank")  # many vendors, and most virtual machines, leave it so
        return [Found(component=self.component, version=version, detail=str(file))]
