"""Mender: the artifact that the root file system was built as, and what the client has noted of later updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.naming import Part, by_component
from firmtrail_agent.sources.engine.source import Found, Said, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, Program, located, output_of

FILE = "/etc/mender/artifact_info"
MAX_BYTES = 64 * 1024
#: since version 4, and before
PROGRAMS = ("mender-update", "mender")


@attrs.frozen(kw_only=True)
class Mender:
    """The artifact name in the root file system that runs: true also after a manual flash or a rollback."""

    type: ClassVar[str] = "mender"
    component: str = attrs.field(default="main", validator=validators.component)

    def find(self, root: Path) -> list[Found]:
        file = below(root, FILE)
        for name, value in assignments(read_text(file, max_bytes=MAX_BYTES)):
            if name == "artifact_name":
                return [Found(component=self.component, version=value, detail=str(file))]
        raise SourceFailed(f"{file} has no line artifact_name=...")


@attrs.frozen(kw_only=True)
class MenderProvides:
    """What the client says that its updates have brought."""

    type: ClassVar[str] = "mender-provides"
    components: Mapping[str, str] = attrs.field(validator=validators.components)
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    @property
    def component(self) -> str:
        return self.type

    def find(self, root: Path) -> Iterator[Said]:
        program = _show_provides(root)
        place = " ".join(program.argv)
        output = output_of(program, max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        parts = [
            Part(names=[name], said=Found(component=name, version=value, detail=f"{place}: {name}"))
            for name, value in assignments(output)
        ]
        return by_component(parts, self.components)


def _show_provides(root: Path) -> Program:
    for name in PROGRAMS:
        try:
            return located(root, (name, "show-provides"))
        except SourceAbsent:
            continue
    raise SourceAbsent(f"there is no program {' or '.join(PROGRAMS)}")


def assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        name, equals, value = line.strip().partition("=")
        if equals:
            yield name, value
