"""A program of the device's builder that prints a version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found
from firmtrail_agent.sources.support import extraction, validators
from firmtrail_agent.sources.support.files import below
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, output_of, program_at

MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class Command:
    """The first line that a configured program prints, or what a JSON Pointer or a pattern finds in its output."""

    type: ClassVar[str] = "command"
    component: str = attrs.field(validator=validators.component)
    #: the program's path and its arguments; there is no shell
    argv: Sequence[str] = attrs.field(validator=validators.argv)
    pointer: str | None = attrs.field(default=None, validator=validators.pointer)
    pattern: str | None = attrs.field(default=None, validator=validators.pattern)
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def __attrs_post_init__(self) -> None:
        validators.require_one(pointer=self.pointer, pattern=self.pattern)

    def find(self, root: Path) -> list[Found]:
        file = below(root, self.argv[0])
        program = program_at(file, self.argv[1:])
        output = output_of(program, max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        place = f"the output of {file}"
        version = extraction.version_in(output, place, pointer=self.pointer, pattern=self.pattern)
        return [Found(component=self.component, version=version, detail=place)]
