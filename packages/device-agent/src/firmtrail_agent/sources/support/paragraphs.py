"""Databases of packages in paragraphs of `Name: value` lines, as dpkg, opkg and apk keep them.

They are large, so they are read line by line, and what is not asked for is not kept.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from firmtrail_agent.sources.engine.source import SourceFailed
from firmtrail_agent.sources.support.files import opened
from firmtrail_agent.system.rooted_path import RootedPath

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 256 * 1024


def paragraphs_of(package: str, file: RootedPath, *, name_field: bytes) -> Iterator[dict[bytes, bytes]]:
    """Find every paragraph of one package; raises what `opened` raises."""
    with opened(file) as stream:
        for fields in _paragraphs(stream, file):
            if fields.get(name_field) == package.encode():
                yield fields


def holds_any(file: RootedPath) -> bool:
    """Say whether a database is more than an empty file, which a power cut may leave."""
    with opened(file) as stream:
        return bool(stream.read(MAX_LINE_BYTES).strip())


def _paragraphs(stream: BinaryIO, file: RootedPath) -> Iterator[dict[bytes, bytes]]:
    fields: dict[bytes, bytes] = {}
    for line in _lines(stream, file):
        if line.strip():
            name, _, value = line.partition(b":")  # a line that goes on with a value begins with a blank
            fields[name.removeprefix(codecs.BOM_UTF8)] = value.strip()
        else:
            yield fields
            fields = {}
    yield fields


def _lines(stream: BinaryIO, file: RootedPath) -> Iterator[bytes]:
    left = MAX_BYTES
    while line := stream.readline(MAX_LINE_BYTES):
        left -= len(line)
        if left < 0 or len(line) == MAX_LINE_BYTES:
            raise SourceFailed(f"{file} is too large, or has too long a line, to be read")
        yield line
