"""Key files of GLib: groups in brackets, and `key=value` in each. RAUC writes its files so.

A line that is neither costs itself alone. The last value of a key counts, as GLib has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from firmtrail_agent.sources.engine.source import SourceFailed
from firmtrail_agent.sources.support.files import read_text
from firmtrail_agent.system.rooted_path import RootedPath
from firmtrail_contract.blanks import trimmed

Groups = Mapping[str, Mapping[str, str]]


def read_key_file(file: RootedPath, *, max_bytes: int) -> Groups:
    """Read a file; raises what `read_text` raises, and SourceFailed where it holds text and no group."""
    return _parsed(read_text(file, max_bytes=max_bytes), file)


def _parsed(text: str, file: RootedPath) -> Groups:
    groups: dict[str, dict[str, str]] = {}
    values: dict[str, str] | None = None
    is_malformed = False
    for line in map(trimmed, text.split("\n")):
        key, equals, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            values = groups.setdefault(line[1:-1], {})
        elif equals and values is not None:
            values[key.rstrip()] = value.lstrip()
        elif line and not line.startswith("#"):
            is_malformed = True
    if is_malformed and not groups:
        raise SourceFailed(f"{file} is malformed: it has no group in brackets")
    return groups
