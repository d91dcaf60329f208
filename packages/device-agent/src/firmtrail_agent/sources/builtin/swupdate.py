"""SWUpdate's /etc/sw-versions: a name and a version in each line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.naming import Part, by_component
from firmtrail_agent.sources.engine.source import Found, Said, SourceFailed, Unknown
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text
from firmtrail_agent.system.rooted_path import RootedPath

FILE = "/etc/sw-versions"
MAX_BYTES = 64 * 1024


@attrs.frozen(kw_only=True)
class Swupdate:
    """Every line's version, or those of the chosen names."""

    type: ClassVar[str] = "swupdate"
    path: str = attrs.field(default=FILE, validator=validators.path)
    components: Mapping[str, str] | None = attrs.field(default=None, validator=validators.components)
    #: where the file has one line, this is what the line speaks of
    sole_component: str | None = attrs.field(default=None, validator=attrs.validators.optional(validators.component))

    def __attrs_post_init__(self) -> None:
        validators.require_one(components=self.components, sole_component=self.sole_component)

    @property
    def component(self) -> str:
        return self.sole_component or self.type

    def find(self, root: Path) -> Iterator[Said]:
        file = below(root, self.path)
        lines = [line.split() for line in read_text(file, max_bytes=MAX_BYTES).split("\n")]
        parts = [_part(words, file) for words in lines if words and not words[0].startswith("#")]
        if not parts:
            raise SourceFailed(f"{file} is empty")
        if self.sole_component and len(parts) == 1:
            return iter([attrs.evolve(parts[0].said, component=self.sole_component)])
        return by_component(parts, self.components)


def _part(words: Sequence[str], file: RootedPath) -> Part:
    """Make what one line says; a bad line is an error of what it names."""
    name, *rest = words
    if len(rest) == 1:
        return Part(names=[name], said=Found(component=name, version=rest[0], detail=f"{file} {name}"))
    error = f'{file} holds "{" ".join(words)}", which is not a name and a version'
    return Part(names=[name], said=Unknown(component=name, error=error))
