"""`doctor`: looks at all that a report needs, one check after the other, and says for each fault what mends it."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Awaitable, Callable

import attrs

from firmtrail_agent.config import configuration, credentials
from firmtrail_agent.config.configuration import BadConfiguration, Configuration
from firmtrail_agent.config.credentials import Credential, CredentialRefused
from firmtrail_agent.config.layers import Layers, open_to_others
from firmtrail_agent.doctor import connection
from firmtrail_agent.doctor.connection import Fault
from firmtrail_agent.sources import read_all
from firmtrail_agent.state.record_files import look_into
from firmtrail_agent.state.spool import MAX_RECORDS
from firmtrail_agent.system import directories
from firmtrail_agent.system.boot import UNTOLD, VARIABLE, read_boot_id
from firmtrail_agent.system.clock import BUILT_AT
from firmtrail_agent.system.host import Host

UNIT = "firmtrail-agent.service"
_UNIT_PLACES = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_PROBE_BYTES = 4096


@attrs.define(kw_only=True)
class Case:
    """What is looked at, and what the earlier checks have found for the later ones."""

    layers: Layers
    host: Host
    chosen: Configuration | None = None
    credential: Credential | None = None


@attrs.frozen(kw_only=True)
class Finding:
    """What one check found: `ok`, `fault`, or `skipped` since an earlier fault hides it."""

    check: str
    state: str
    detail: str
    fix: str = ""


class _Skipped(Exception):
    """There is nothing to look at yet."""


async def examine(case: Case) -> list[Finding]:
    """Run all checks; none of them changes anything."""
    return [await _run(name, check, case) for name, check in CHECKS.items()]


async def _run(name: str, check: Callable[[Case], Awaitable[str]], case: Case) -> Finding:
    try:
        return Finding(check=name, state="ok", detail=await check(case))
    except Fault as fault:
        return Finding(check=name, state="fault", detail=str(fault), fix=fault.fix)
    except PermissionError as error:
        detail = f"{error.filename} cannot be read: {error.strerror}"
        return Finding(check=name, state="fault", detail=detail, fix="run this as root")
    except _Skipped:
        return Finding(check=name, state="skipped", detail="mend the faults above first")


async def _configuration(case: Case) -> str:
    try:
        case.chosen = configuration.load(case.layers)
    except BadConfiguration as error:
        raise Fault(
            "; ".join(error.problems), "mend the configuration, then run firmtrail-agent check-config"
        ) from None
    if found := open_to_others(case.layers):
        raise Fault("; ".join(found), "let nobody but root write it: firmtrail-agent check-config names the commands")
    return f"device {case.chosen.device_id} reports to {case.chosen.server_url}"


async def _api_key(case: Case) -> str:
    chosen = _chosen(case)
    try:
        case.credential = credentials.load(chosen.key_file, case.layers.environment, identity_file=chosen.identity_file)
    except CredentialRefused as error:
        raise Fault("there is no API key that can be used", str(error)) from None
    return f"in {case.credential.file}"


async def _sources(case: Case) -> str:
    readings = [one for one in read_all(_chosen(case).sources, case.host.root) if not one.is_absent]
    if broken := [f"{one.component}: {one.error}" for one in readings if one.error]:
        raise Fault("; ".join(broken), "mend the source; firmtrail-agent version --explain shows what each said")
    if not readings:
        raise Fault("no source gives a version", "configure one: see docs/agent-sources.md")
    return ", ".join(f"{one.component} {one.version}" for one in readings)


async def _spool(case: Case) -> str:
    state = directories.state(case.layers.environment, case.host.root)
    if not state.exists():
        return f"{state} is made by the first report"
    spool = state / "spool"
    place = spool if spool.exists() else state
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        fix = f"run this as root, and see that the disk of {place} is neither full nor read-only: df {place}"
        raise Fault(f"{place} cannot be written: {error.strerror}", fix) from None
    if (waiting := len(look_into(spool))) >= MAX_RECORDS:
        raise Fault("the spool is full, old records are dropped", "mend the way to the server; then spool flush")
    return f"{waiting} records wait in {state}"


async def _clock(case: Case) -> str:
    shown = dt.datetime.fromtimestamp(case.host.wall_time(), dt.UTC)
    if shown < BUILT_AT:
        raise Fault(f"the clock shows {shown:%Y-%m-%d}, before this software was written", "timedatectl set-ntp true")
    if read_boot_id(case.layers.environment, case.host.root) is None:
        fix = f"mount /proc for the agent, or set {VARIABLE} for it to the id of the boot: %b in a unit of systemd"
        raise Fault(UNTOLD, fix)
    return f"{shown:%Y-%m-%d %H:%M:%S} UTC"


async def _name(case: Case) -> str:
    return await connection.look_up(_chosen(case))


async def _connection(case: Case) -> str:
    return await connection.connect(_chosen(case))


async def _tls(case: Case) -> str:
    return await connection.shake_hands(_chosen(case))


async def _server(case: Case) -> str:
    if case.credential is None:
        raise _Skipped
    return await connection.knock(_chosen(case), case.credential, case.host)


async def _service(case: Case) -> str:
    if directories.is_held(directories.runtime(case.layers.environment, case.host.root)):
        return "the agent runs"
    if not any((case.host.root / place / UNIT).exists() for place in _UNIT_PLACES):
        raise Fault(f"there is no {UNIT}", "install the package with the units, then systemctl enable --now it")
    raise Fault("the agent does not run", f"systemctl enable --now {UNIT}; systemctl status {UNIT} says why it ended")


def _chosen(case: Case) -> Configuration:
    if case.chosen is None:
        raise _Skipped
    return case.chosen


#: in the order in which a report needs them
CHECKS: dict[str, Callable[[Case], Awaitable[str]]] = {
    "configuration": _configuration,
    "api key": _api_key,
    "sources": _sources,
    "spool": _spool,
    "clock": _clock,
    "name": _name,
    "connection": _connection,
    "tls": _tls,
    "server": _server,
    "service": _service,
}
