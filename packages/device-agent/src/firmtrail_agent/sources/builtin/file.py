"""A file of the device's builder that holds a version."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found
from firmtrail_agent.sources.support import extraction, validators
from firmtrail_agent.sources.support.files import below, read_text

MAX_BYTES = 4096
#: of one in which the version has to be looked for
MAX_BYTES_SEARCHED = 64 * 1024


@attrs.frozen(kw_only=True)
class File:
    """The first line of a configured file, or what a JSON Pointer or a pattern finds in it."""

    type: ClassVar[str] = "file"
    component: str = attrs.field(validator=validators.component)
    path: str = attrs.field(validator=validators.path)
    pointer: str | None = attrs.field(default=None, validator=validators.pointer)
    pattern: str | None = attrs.field(default=None, validator=validators.pattern)

    def __attrs_post_init__(self) -> None:
        validators.require_one(pointer=self.pointer, pattern=self.pattern)

    def find(self, root: Path) -> list[Found]:
        file = below(root, self.path)
        is_searched = self.pointer is not None or self.pattern is not None
        text = read_text(file, max_bytes=MAX_BYTES_SEARCHED if is_searched else MAX_BYTES)
        version = extraction.version_in(text, str(file), pointer=self.pointer, pattern=self.pattern)
        return [Found(component=self.component, version=version, detail=str(file))]
