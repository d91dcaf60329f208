"""Getting a version out of a text: its first line, a value of the JSON that it is, or what a pattern finds in it."""

from __future__ import annotations

import sys
from typing import Any, cast

from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import json_text
from firmtrail_agent.sources.support.programs import Program, output_of
from firmtrail_contract.blanks import trimmed

#: a pattern can take longer than the universe lasts, and nothing in this process could interrupt it
_SEARCH = """\
import re, sys
found = re.search(sys.argv[1], sys.stdin.buffer.read().decode("utf-8", "surrogatepass"), re.MULTILINE)
if found:
    version = found["version" if "version" in found.re.groupindex else 1 if found.re.groups else 0]
    sys.stdout.buffer.write(b"=" + (version or "").encode("utf-8", "surrogatepass"))
"""
SEARCH_SECONDS = 3
#: a version has at most 128 characters
_MAX_FOUND = 1024


def version_in(text: str, place: str, *, pointer: str | None, pattern: str | None) -> str:
    """Take the version in the way that was configured, or else from the first line."""
    if pointer is not None:
        return _pointed(text, pointer, place)
    if pattern is not None:
        return _matched(text, pattern, place)
    return _first_line(text, place)


def _first_line(text: str, place: str) -> str:
    if version := trimmed(text.split("\n", 1)[0]):
        return version
    raise SourceFailed(f"the first line of {place} is empty")


def _pointed(text: str, pointer: str, place: str) -> str:
    """Take what a JSON Pointer (RFC 6901) leads to: a text, or a number as it is written there."""
    value = json_text.parsed(text, place)
    for part in pointer.split("/")[1:]:
        value = _inside(value, part.replace("~1", "/").replace("~0", "~"))
    if value is None:
        raise SourceFailed(f"{place} has nothing at {pointer}")
    if isinstance(value, str):
        return value
    raise SourceFailed(f"{place} has no text at {pointer}, but {json_text.kind(value)}")


def _matched(text: str, pattern: str, place: str) -> str:
    """Take the group `version` of the first match, else its first group, else all of it."""
    search = Program([sys.executable, "-I", "-S", "-c", _SEARCH, pattern], sys.executable)
    try:
        found = output_of(
            search, max_bytes=_MAX_FOUND, given=text.encode(errors="surrogatepass"), timeout_seconds=SEARCH_SECONDS
        )
    except (SourceAbsent, SourceFailed) as failure:
        raise SourceFailed(f"the pattern cannot be searched in {place}: {failure}") from None
    if not found:
        raise SourceFailed(f"nothing in {place} matches the pattern")
    return found.removeprefix("=")


def _inside(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).get(part)
    if isinstance(value, list) and part.isdecimal() and part.isascii():
        items = cast("list[Any]", value)
        return items[int(part)] if len(part) < 6 and int(part) < len(items) else None  # noqa: PLR2004  no huge number
    return None
