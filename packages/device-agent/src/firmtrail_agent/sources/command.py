"""A program of the device's builder that prints a version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources import extraction, keys
from firmtrail_agent.sources.places import below
from firmtrail_agent.sources.programs import TIMEOUT_SECONDS, output_of, program_at
from firmtrail_agent.sources.reading import Found

MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class Command:
    """The first line that a configured program prints, or what a JSON Pointer or a pattern finds in its output."""

    type: ClassVar[str] = "command"
    component: str = attrs.field(validator=keys.component)
    #: the program's path and its arguments; there is no shell
    argv: Sequence[str] = attrs.field(validator=keys.argv)
    pointer: str | None = attrs.field(default=None, validator=keys.pointer)
    pattern: str | None = attrs.field(default=None, validator=keys.pattern)
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=keys.timeout_seconds)

    def __attrs_post_init__(self) -> None:
        keys.require_one(pointer=self.pointer, pattern=self.pattern)

    def find(self, root: Path) -> list[Found]:
        file = below(root, self.argv[0])
        program = program_at(file, self.argv[1:])
        output = output_of(program, max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        place = f"the output of {file}"
        version = extraction.version_in(output, place, pointer=self.pointer, pattern=self.pattern)
        return [Found(component=self.component, version=version, detail=place)]
