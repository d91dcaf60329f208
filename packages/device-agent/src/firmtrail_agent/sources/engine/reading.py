"""Asking sources: the one place where what a source says becomes readings, each a version, an error, or neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import attrs

from firmtrail_agent.sources.engine.source import Gone, Said, Source, SourceAbsent, SourceFailed, Unknown
from firmtrail_agent.sources.engine.timeouts import MAX_TIMEOUT_SECONDS, TimedCall, TimedOut, run_all
from firmtrail_agent.validation import values
from firmtrail_agent.validation.redact import one_line
from firmtrail_contract.blanks import trimmed
from firmtrail_contract.fillers import is_filler_version

#: what one source may say; more is a mistake that must not become a flood of reports
MAX_COMPONENTS = 64
#: for reading files; what runs a program has its `timeout_seconds` on top
READ_TIMEOUT_SECONDS = 5.0


@attrs.frozen(kw_only=True)
class Reading:
    """What a source said when it was asked. Without `version`, `error` and `gone` the device has no such source."""

    component: str
    source: str
    version: str | None = None
    error: str | None = None
    #: the device does not have the component; `detail` says where that stands
    gone: bool = False
    detail: str = ""
    #: see `Unknown`
    may_hide_others: bool = False

    @property
    def is_absent(self) -> bool:
        return self.version is None and self.error is None and not self.gone


def read_source(source: Source, root: Path, *, required: bool) -> list[Reading]:
    """Ask a source. Where it is `required`, its absence is an error too."""
    call = _call(source, root)
    call.start()
    return _answered(source, call, required=required)


def read_sources(sources: Sequence[Source], root: Path) -> list[Reading]:
    """Ask the sources that were configured, all of which are required; the slow ones beside each other."""
    calls = [_call(source, root) for source in sources]
    run_all(calls)
    return [
        reading
        for source, call in zip(sources, calls, strict=True)
        for reading in _answered(source, call, required=True)
    ]


def _call(source: Source, root: Path) -> TimedCall[list[Said]]:
    timeout = READ_TIMEOUT_SECONDS + min(getattr(source, "timeout_seconds", 0), MAX_TIMEOUT_SECONDS)
    return TimedCall(timeout, f"{source.type} {id(source)}", lambda: _said(source, root))


def _answered(source: Source, call: TimedCall[list[Said]], *, required: bool) -> list[Reading]:
    name = source.type
    component = source.component
    try:
        return list(_readings(name, call.result()))
    except SourceAbsent as absent:
        error = _reason(str(absent))
        if not required:
            return [Reading(component=component, source=name, detail=error)]
    except (SourceFailed, TimedOut) as failure:
        error = _reason(str(failure))
    except Exception as broken:  # noqa: BLE001  a source, maybe somebody else's, must not hide what the others say
        error = one_line(f"the source {name} is broken, tell its author: {broken!r}")
    return [Reading(component=component, source=name, error=error)]


def _said(source: Source, root: Path) -> list[Said]:
    said = list(islice(source.find(root), MAX_COMPONENTS + 1))
    if len(said) > MAX_COMPONENTS:
        raise SourceFailed(f"it speaks of more than {MAX_COMPONENTS} components; choose those that matter")
    return said


def _readings(name: str, said: Iterable[Said]) -> Iterator[Reading]:
    for one in said:
        component = values.component(one.component)
        if isinstance(one, Unknown):
            error, hides = _reason(one.error), one.may_hide_others
            yield Reading(component=component, source=name, error=error, may_hide_others=hides)
            continue
        if isinstance(one, Gone):
            yield Reading(component=component, source=name, gone=True, detail=_reason(one.detail))
            continue
        detail, version = one_line(one.detail), trimmed(one.version)
        if complaint := _complaint(version):
            error = f"{detail}: the version {complaint}"
            yield Reading(component=component, source=name, error=error, detail=detail)
        else:
            yield Reading(component=component, source=name, version=version, detail=detail)


def _reason(text: str) -> str:
    """Make an error of it, which must not be empty."""
    return one_line(text) or "it gives no reason"


def _complaint(version: str) -> str | None:
    """Say why a text is no version: it says that there is none, is no text, or breaks the contract's limits."""
    if not version:
        return "is empty"
    if is_filler_version(version):
        return f'is a filler: "{one_line(version)}"'
    if any("\ud800" <= character <= "\udfff" for character in version):
        return "is not UTF-8 text"
    from firmtrail import FirmwareReport  # noqa: PLC0415  takes a tenth of a second that check-config need not wait

    try:
        FirmwareReport(version=version)
    except ValueError as violation:
        return str(violation)
    return None
