"""A file of the device's builder that holds a version in its first line."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.places import below, read_text
from firmtrail_agent.sources.reading import Found, SourceFailed

MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class File:
    """The first line of a configured file, without the blanks around it."""

    type: ClassVar[str] = "file"
    component: str
    #: absolute
    path: str

    def find(self, root: Path) -> Found:
        file = below(root, self.path)
        version = read_text(file, max_bytes=MAX_BYTES).split("\n", 1)[0].strip()
        if not version:
            raise SourceFailed(f"the first line of {file} is empty")
        return Found(version=version, detail=str(file))
