"""dpkg: the version of an installed package, from the database itself. opkg keeps its own in the same form."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

import attrs

from firmtrail_agent.rooted import Place
from firmtrail_agent.sources import keys
from firmtrail_agent.sources.places import as_text, below, listed, opened
from firmtrail_agent.sources.reading import Found, SourceAbsent, SourceFailed

STATUS = "/var/lib/dpkg/status"
#: what dpkg has changed and not yet written into the status: numbered files of one entry, the last of which counts
UPDATES = "updates"
MAX_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 256 * 1024
#: of a package that is wholly there; the last two wait for others to be told of it
INSTALLED = frozenset({"installed", "triggers-awaited", "triggers-pending"})
GONE = frozenset({"not-installed", "config-files"})


@attrs.frozen(kw_only=True)
class Dpkg:
    """The version of one package, which must be wholly installed."""

    type: ClassVar[str] = "dpkg"
    component: str = attrs.field(validator=keys.component)
    package: str = attrs.field(validator=keys.package)
    #: needed where the package is installed for several, in different versions
    architecture: str | None = attrs.field(default=None, validator=attrs.validators.optional(keys.package))
    path: str = attrs.field(default=STATUS, validator=keys.path)

    def find(self, root: Path) -> list[Found]:
        status = below(root, self.path)
        last: dict[str, _Entry] = {}
        for file in _files(status):
            last |= _told(_entries(file, self.package))
        present = [entry for entry in last.values() if self.architecture in {None, entry.architecture}]
        version = _version(self.package, [entry for entry in present if entry.state not in GONE])
        return [Found(component=self.component, version=version, detail=f"{status}: {self.package}")]


@attrs.frozen
class _Entry:
    """What the database says of a package for one architecture."""

    architecture: str
    state: str
    version: str


def _version(package: str, entries: Sequence[_Entry]) -> str:
    if not entries:
        raise SourceFailed(f"the package {package} is not installed")
    for entry in entries:
        if entry.state not in INSTALLED:
            raise SourceFailed(f"the package {package} is {entry.state or 'in no state'}: run dpkg --configure -a")
    versions = {entry.version for entry in entries}
    if len(versions) > 1:
        architectures = ", ".join(sorted(entry.architecture for entry in entries))
        raise SourceFailed(f"{package} is installed in several versions: set architecture to one of {architectures}")
    return versions.pop()


def _files(status: Place) -> list[Place]:
    try:
        _, files = listed(status.parent / UPDATES)
    except SourceAbsent:  # opkg has no such directory
        return [status]
    return [status, *(file for file in files if file.name.isdecimal())]


def _told(entries: Iterable[_Entry]) -> dict[str, _Entry]:
    """Choose the entry of each architecture: the last, but none of a package that is only offered (opkg has those)."""
    told: dict[str, _Entry] = {}
    for entry in entries:
        if entry.state not in GONE or told.get(entry.architecture, entry).state in GONE:
            told[entry.architecture] = entry
    return told


def _entries(file: Place, package: str) -> Iterator[_Entry]:
    """Every entry of one package; all others are passed over without being kept."""
    try:
        with opened(file) as stream:
            for fields in _paragraphs(stream, file):
                if fields.get(b"Package") == package.encode():
                    yield _entry(fields)
    except SourceAbsent:
        if file.name.isdecimal():  # dpkg has just written it into the status
            return
        raise


def _paragraphs(stream: BinaryIO, file: Place) -> Iterator[dict[bytes, bytes]]:
    fields: dict[bytes, bytes] = {}
    for line in _lines(stream, file):
        if line.strip():
            name, _, value = line.partition(b":")  # a line that goes on with a value begins with a blank
            fields[name.removeprefix(codecs.BOM_UTF8)] = value.strip()
        else:
            yield fields
            fields = {}
    yield fields


def _lines(stream: BinaryIO, file: Place) -> Iterator[bytes]:
    left = MAX_BYTES
    while line := stream.readline(MAX_LINE_BYTES):
        left -= len(line)
        if left < 0 or len(line) == MAX_LINE_BYTES:
            raise SourceFailed(f"{file} is too large, or has too long a line, to be read")
        yield line


def _entry(fields: dict[bytes, bytes]) -> _Entry:
    architecture, status, version = (
        as_text(fields.get(name, b"")) for name in (b"Architecture", b"Status", b"Version")
    )
    return _Entry(architecture, status.rpartition(" ")[2], version)
