"""The release of the running kernel, as `uname -r` shows it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources import keys
from firmtrail_agent.sources.places import below, read_text
from firmtrail_agent.sources.reading import Found, SourceAbsent

FILE = "/proc/sys/kernel/osrelease"
MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class Kernel:
    """The kernel that runs, which after an update is not yet the installed one."""

    type: ClassVar[str] = "kernel"
    component: str = attrs.field(default="kernel", validator=keys.component)

    def find(self, root: Path) -> list[Found]:
        file = below(root, FILE)
        try:
            text = read_text(file, max_bytes=MAX_BYTES)
        except SourceAbsent:
            if root != Path("/"):
                raise
            # a sandbox may hide /proc/sys
            return [Found(component=self.component, version=os.uname().release, detail="uname")]
        return [Found(component=self.component, version=text, detail=str(file))]
