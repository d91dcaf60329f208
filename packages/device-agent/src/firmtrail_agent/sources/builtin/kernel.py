"""The release of the running kernel, as `uname -r` shows it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceAbsent
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text

FILE = "/proc/sys/kernel/osrelease"
MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class Kernel:
    """The kernel that runs, which after an update is not yet the installed one."""

    type: ClassVar[str] = "kernel"
    component: str = attrs.field(default="kernel", validator=validators.component)

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
