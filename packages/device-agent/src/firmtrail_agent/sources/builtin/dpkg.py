"""dpkg: the version of an installed package, from the database itself. opkg keeps its own in the same form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, Gone, Said, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import as_text, below, listed
from firmtrail_agent.sources.support.paragraphs import holds_any, paragraphs_of
from firmtrail_agent.system.rooted_path import RootedPath

STATUS = "/var/lib/dpkg/status"
#: what dpkg has changed and not yet written into the status: numbered files of one entry, the last of which counts
UPDATES = "updates"
#: of images without dpkg (distroless): a file for each package, which is there, and others of checksums
SINGLE, CHECKSUMS = "status.d", ".md5sums"
#: of a package that is wholly there; the last two wait for others to be told of it
INSTALLED = frozenset({"installed", "triggers-awaited", "triggers-pending"})
GONE = frozenset({"not-installed", "config-files"})


@attrs.frozen(kw_only=True)
class Dpkg:
    """The version of one package, which must be wholly installed."""

    type: ClassVar[str] = "dpkg"
    component: str = attrs.field(validator=validators.component)
    package: str = attrs.field(validator=validators.package)
    #: needed where the package is installed for several, in different versions
    architecture: str | None = attrs.field(default=None, validator=attrs.validators.optional(validators.package))
    path: str = attrs.field(default=STATUS, validator=validators.path)
    #: a package that is not installed is no error: the device does not have the component
    may_be_gone: bool = attrs.field(default=False, validator=validators.flag)

    def find(self, root: Path) -> list[Said]:
        status = below(root, self.path)
        last: dict[str, _Entry] = {}
        files, skipped = _files(status)
        for file in files:
            last |= _told(_entries(file, self.package))
        told = [entry for entry in last.values() if self.architecture in {None, entry.architecture}]
        present = [entry for entry in told if entry.state not in GONE]
        if not present and self.may_be_gone and any(holds_any(file) for file in files):
            return [Gone(component=self.component, detail=f"{status}: the package {self.package} is not installed")]
        version = _version(self.package, present)
        beside = "".join(f"; {folder} was skipped: it is a directory" for folder in skipped)
        return [Found(component=self.component, version=version, detail=f"{status}: {self.package}{beside}")]


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


def _files(status: RootedPath) -> tuple[list[RootedPath], list[RootedPath]]:
    """Name the files of the database, those last that count in the end, and the directories that stand among them."""
    told = [file for file in _listed(status.parent / SINGLE) if not file.name.endswith(CHECKSUMS)]
    skipped = [file for file in told if file.is_dir()]
    single = [file for file in told if file not in skipped]
    updates = [file for file in _listed(status.parent / UPDATES) if file.name.isdecimal()]
    return [*single, *([status] if status.exists() or not single else []), *updates], skipped


def _listed(folder: RootedPath) -> list[RootedPath]:
    try:
        return listed(folder)[1]
    except SourceAbsent:
        return []


def _told(entries: Iterable[_Entry]) -> dict[str, _Entry]:
    """Choose the entry of each architecture: the last, but none of a package that is only offered (opkg has those)."""
    told: dict[str, _Entry] = {}
    for entry in entries:
        if entry.state not in GONE or told.get(entry.architecture, entry).state in GONE:
            told[entry.architecture] = entry
    return told


def _entries(file: RootedPath, package: str) -> Iterator[_Entry]:
    """Every entry of one package."""
    try:
        for fields in paragraphs_of(package, file, name_field=b"Package"):
            yield _entry(fields, is_single=file.parent.name == SINGLE)
    except SourceAbsent:
        if file.name.isdecimal():  # dpkg has just written it into the status
            return
        raise


def _entry(fields: dict[bytes, bytes], *, is_single: bool) -> _Entry:
    architecture, status, version = (
        as_text(fields.get(name, b"")) for name in (b"Architecture", b"Status", b"Version")
    )
    return _Entry(architecture, "installed" if is_single else status.rpartition(" ")[2], version)
