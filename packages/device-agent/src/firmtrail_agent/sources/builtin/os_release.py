"""os-release(5): the operating system's own version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text
from firmtrail_agent.system.rooted_path import RootedPath
from firmtrail_contract.fillers import is_filler_version

#: the first is used, alone, where it exists
FILES = ("/etc/os-release", "/usr/lib/os-release")
#: from the one that changes with every image to the one that some distributions never change
KEYS = ("IMAGE_VERSION", "VERSION_ID", "BUILD_ID")
MAX_BYTES = 64 * 1024
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")
#: one value, and nothing beside it: in double quotes, in single quotes, or bare
_VALUE = re.compile(r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>(?:[^\s"'\\]|\\.)*))\s*""")


@attrs.frozen(kw_only=True)
class OsRelease:
    """The version that the image's builder or the distribution wrote into os-release."""

    type: ClassVar[str] = "os-release"
    component: str = attrs.field(default="main", validator=validators.component)
    #: the one that changes with every image, where the first of KEYS that is there does not
    key: str | None = attrs.field(default=None, validator=attrs.validators.optional(validators.shell_variable))

    def find(self, root: Path) -> list[Found]:
        file, text = _read(root)
        values = dict(_assignments(text))
        asked = KEYS if self.key is None else (self.key,)
        for key in asked:
            version = _unquoted(values.get(key, ""), f"{key} in {file}")
            if not is_filler_version(version):
                return [Found(component=self.component, version=version, detail=f"{file} {key}")]
        *others, last = asked
        raise SourceFailed(f"{file} names no {', '.join(others)}{' or ' if others else ''}{last}")


def _read(root: Path) -> tuple[RootedPath, str]:
    for path in FILES:
        file = below(root, path)
        try:
            return file, read_text(file, max_bytes=MAX_BYTES)
        except SourceAbsent:
            continue
    raise SourceAbsent(f"there is no {below(root, FILES[0])}; name another source of the version in the configuration")


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Every key with its value as it stands there; of several for one key, the last counts, as in a shell."""
    for line in text.split("\n"):
        if found := _ASSIGNMENT.fullmatch(line.strip()):
            yield found[1], found[2]


def _unquoted(raw: str, place: str) -> str:
    found = _VALUE.fullmatch(raw)
    if not found:
        raise SourceFailed(f"{place} is not quoted as os-release(5) demands")
    if found["single"] is not None:
        return found["single"]
    if found["double"] is not None:
        return re.sub(r'\\([\\"$`])', r"\1", found["double"])
    return re.sub(r"\\(.)", r"\1", found["bare"])
