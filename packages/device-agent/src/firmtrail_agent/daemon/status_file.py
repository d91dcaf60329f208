"""The status of the service: the line that systemd shows, and the file that `firmtrail-agent status` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from firmtrail_agent.system import atomic_file
from firmtrail_agent.validation.redact import cleaned

_FILE = "status.json"
#: longer than a round takes whose sources and whose server are all slow; an agent that hangs is ended by the watchdog
STALLED_AFTER_SECONDS = 300.0
#: in the fields of a process behind its name, which may hold anything
_STATE, _STARTED = 3 - 3, 22 - 3
_STOPPED = b"T"
_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600
_OF_SPOOL = ("records", "in_memory", "dropped", "corrupt", "others")


@attrs.frozen(kw_only=True)
class Status:
    """What there is to say. Moments are seconds of the boot clock."""

    pid: int
    #: when that process began, in ticks of the kernel since the boot; None: the kernel does not tell
    started: int | None = None
    #: of each component that has one
    versions: Mapping[str, str] = attrs.field(factory=dict[str, str])
    #: what is wrong; nothing: all is well
    problems: Sequence[str] = ()
    last_report: float | None = None
    #: when it observes next, and when it sends; None: an earlier version of the agent has not said
    next_round: float
    next_send: float | None = None
    #: how many records wait, are in memory alone, were dropped or damaged since the agent started, are of other devices
    spool: Mapping[str, int] = attrs.field(factory=lambda: dict.fromkeys(_OF_SPOOL, 0))

    @property
    def state(self) -> str:
        if self.problems:
            return "degraded"
        return "ok" if self.last_report is not None else "starting"


def sentence(status: Status, now: float) -> str:
    """Say it in one line: `ok: main 1.4.2, last report 12 min ago, next in 48 min`."""
    said = [*status.problems] or [f"{component} {version}" for component, version in status.versions.items()]
    if waiting := status.spool["records"]:
        said.append(f"{waiting} record{'s' if waiting > 1 else ''} waiting")
    if others := status.spool.get("others"):
        said.append(f"{others} record{'s' if others > 1 else ''} of another device kept")
    if status.last_report is not None:
        said.append(f"last report {_rough(now - status.last_report)} ago")
    if status.next_round >= now - STALLED_AFTER_SECONDS:
        due = status.next_round if status.next_send is None else status.next_send
        said.append(f"next in {_rough(max(0.0, due - now))}")
    return f"{status.state}: {', '.join(map(cleaned, said))}"


def write(status: Status, directory: Path) -> None:
    """Leave it for `status` in a directory that is in memory; where there is none, nobody can be told."""
    with suppress(OSError):
        atomic_file.write(directory / _FILE, json.dumps(cleaned(as_json(status))))


def read(directory: Path) -> Status | None:
    """Read what the running agent has left; None: nothing that can be read."""
    try:
        said = json.loads(atomic_file.read(directory / _FILE))
        return Status(**{field.name: said[field.name] for field in attrs.fields(Status) if field.name in said})
    except (OSError, atomic_file.Corrupt, ValueError, KeyError, TypeError):
        return None


def judged(status: Status, now: float) -> Status:
    """Add what an agent cannot say of itself: that it stands still."""
    late = now - status.next_round
    if is_alive(status) and _STOPPED in _fields(status.pid)[_STATE : _STATE + 1]:
        problem = f"its process {status.pid} is stopped"
    elif late > STALLED_AFTER_SECONDS:
        problem = f"the round that was due {_rough(late)} ago is not over"
    else:
        return status
    return attrs.evolve(status, problems=[problem, *status.problems])


def is_alive(status: Status) -> bool:
    """Say whether the process lives that has left this: its number may be that of another one by now."""
    return status.started is not None and status.started == started(status.pid)


def started(pid: int) -> int | None:
    """Look when a process began."""
    fields = _fields(pid)
    return int(fields[_STARTED]) if fields else None


def as_json(status: Status) -> dict[str, Any]:
    return {"state": status.state, **attrs.asdict(status)}


def _fields(pid: int) -> list[bytes]:
    """Read what the kernel says of a process, from proc_pid_stat(5)'s third field on; nothing: there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def _rough(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds >= 2 * _DAY:
        return f"{seconds / _DAY:.0f} days"
    if seconds >= 2 * _HOUR:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _MINUTE:.0f} min" if seconds >= _MINUTE else f"{seconds:.0f} s"
