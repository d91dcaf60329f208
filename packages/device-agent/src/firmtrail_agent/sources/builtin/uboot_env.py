"""A variable of U-Boot's environment: as fw_printenv shows it, or from the file that is the environment.

The file holds a checksum of all that follows, in a redundant environment a number that says which copy is newer, and
then "name=value" texts, each ended by a NUL.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import as_text, below, read_bytes
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, Program, located, output_of
from firmtrail_agent.system.rooted_path import RootedPath
from firmtrail_agent.validation.values import Wrong
from firmtrail_contract.blanks import trimmed

PRINT = ("fw_printenv", "-n")
#: it then prints what might have been, with exit code 0
PRINTS_ANOTHER = "using default"
#: of libubootenv, built without NDEBUG
_CHATTER = re.compile(r"Environment (OK|WRONG)\b")
MAX_VALUE_BYTES = 4096
MAX_BYTES = 1024 * 1024
_CHECKSUM_BYTES = 4
_LAST_FLAG = 255


@attrs.frozen(kw_only=True)
class UbootEnv:
    """The value of one variable."""

    type: ClassVar[str] = "uboot-env"
    component: str = attrs.field(validator=validators.component)
    variable: str = attrs.field(validator=validators.variable)
    #: the file; without it, fw_printenv is run
    path: str | None = attrs.field(default=None, validator=attrs.validators.optional(validators.path))
    #: the other copy of a redundant environment
    redundant_path: str | None = attrs.field(default=None, validator=attrs.validators.optional(validators.path))
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def __attrs_post_init__(self) -> None:
        if self.redundant_path and not self.path:
            raise Wrong("have path where it has redundant_path")

    def find(self, root: Path) -> list[Found]:
        if self.path is None:
            program = located(root, (*PRINT, self.variable))
            version, place = self._printed(program), " ".join(program.argv)
        else:
            paths = [self.path, *([self.redundant_path] if self.redundant_path else [])]
            place, variables = _current([below(root, path) for path in paths])
            version = variables.get(self.variable, "")
        if not version:
            raise SourceFailed(f"the environment has no variable {self.variable}")
        return [Found(component=self.component, version=version, detail=place)]

    def _printed(self, program: Program) -> str:
        output = output_of(
            program,
            max_bytes=MAX_VALUE_BYTES,
            timeout_seconds=self.timeout_seconds,
            disbelieved_if_it_says=PRINTS_ANOTHER,
        )
        if PRINTS_ANOTHER in output:
            raise SourceFailed(f"{program.argv[0]} does not print what is there, but a default environment")
        # some print the name in spite of -n
        return _answer(output, program.argv[0]).removeprefix(f"{self.variable}=")


def _answer(output: str, name: str) -> str:
    """Take the value from among the lines of words that some builds of fw_printenv print beside it."""
    lines = [line for line in map(trimmed, output.split("\n")) if line and not _CHATTER.match(line)]
    values = [line for line in lines if " " not in line] if len(lines) > 1 else lines
    if len(values) > 1 or (lines and not values):
        raise SourceFailed(f"{name} printed several lines, and it is not plain which one is the value")
    return values[0] if values else ""


class _Damaged(SourceFailed):
    """U-Boot would go on with the other copy."""


@attrs.frozen
class _Copy:
    place: str
    #: None where there is only one copy
    flag: int | None
    variables: Mapping[str, str]


def _current(files: Sequence[RootedPath]) -> tuple[str, Mapping[str, str]]:
    """Choose between the copies as U-Boot does, which goes on with one when the other is broken."""
    copies: list[_Copy] = []
    failures: list[SourceAbsent | _Damaged] = []
    for file in files:
        try:
            copies.append(_copy(file))
        except (SourceAbsent, _Damaged) as failure:
            failures.append(failure)
    if not copies:
        raise failures[0]
    chosen = copies[0]
    if len(files) == 1 and chosen.flag is not None:
        raise SourceFailed(f"{chosen.place} is one of two copies, maybe the older one: set redundant_path to the other")
    if len(copies) > 1 and _is_newer(copies[1].flag, copies[0].flag):
        chosen = copies[1]
    return chosen.place, chosen.variables


def _is_newer(one: int | None, other: int | None) -> bool:
    if one is None or other is None:
        raise SourceFailed("one of the files is no copy of a redundant environment: leave redundant_path out")
    if {one, other} == {0, _LAST_FLAG}:
        return one == 0  # it counts on from 255 to 0
    return one > other


def _copy(file: RootedPath) -> _Copy:
    content = read_bytes(file, max_bytes=MAX_BYTES)
    checksum = content[:_CHECKSUM_BYTES]
    for flag_bytes in (0, 1):
        data = content[_CHECKSUM_BYTES + flag_bytes :]
        actual = zlib.crc32(data)
        if data and checksum in {actual.to_bytes(4, "little"), actual.to_bytes(4, "big")}:
            flag = content[_CHECKSUM_BYTES] if flag_bytes else None
            return _Copy(str(file), flag, _variables(data))
    raise _Damaged(f"{file} is no environment of U-Boot, or damaged: its checksum is wrong")


def _variables(data: bytes) -> dict[str, str]:
    pairs = as_text(data.partition(b"\0\0")[0]).split("\0")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
