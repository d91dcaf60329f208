"""The BIOS or UEFI firmware of machines that have SMBIOS tables."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceAbsent
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text
from firmtrail_contract.fillers import is_filler_version

FILE = "/sys/class/dmi/id/bios_version"
MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class Dmi:
    """What the machine's vendor wrote into the BIOS version."""

    type: ClassVar[str] = "dmi"
    component: str = attrs.field(default="bios", validator=validators.component)

    def find(self, root: Path) -> list[Found]:
        file = below(root, FILE)
        version = read_text(file, max_bytes=MAX_BYTES)
        if is_filler_version(version):  # many vendors, and most virtual machines, leave it blank
            raise SourceAbsent(f"{file} says that there is no version")
        return [Found(component=self.component, version=version, detail=str(file))]
