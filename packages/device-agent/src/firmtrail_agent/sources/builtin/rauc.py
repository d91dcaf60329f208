"""RAUC: the version of the bundle from which the booted slot was installed, from the service or from its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.builtin.rauc_status import booted_in_json, booted_in_shell
from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text, require_there
from firmtrail_agent.sources.support.key_file import Groups, read_key_file
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, ProgramFailed, located, output_of
from firmtrail_agent.system.rooted_path import RootedPath

STATUS = ("rauc", "status", "--detailed")
COMMAND = (*STATUS, "--output-format=json")
SHELL_COMMAND = (*STATUS, "--output-format=shell")
#: what a RAUC says that was built without JSON
NO_JSON = "Unknown output format"
#: the first is used, alone
SYSTEM_CONF = ("/etc/rauc/system.conf", "/run/rauc/system.conf", "/usr/lib/rauc/system.conf")
COMMAND_LINE = "/proc/cmdline"
#: in the root file system of the slot itself
SLOT_STATUS = "/slot.raucs"
MAX_BYTES = 256 * 1024
#: from what RAUC prints, and what that is called, to the booted slot and its version
Booted = Callable[[str, str], tuple[str, str | None]]


@attrs.frozen(kw_only=True)
class Rauc:
    """What RAUC has noted of the slot that is booted."""

    type: ClassVar[str] = "rauc"
    component: str = attrs.field(default="main", validator=validators.component)
    #: "service" asks it over D-Bus; "files" reads what it would read itself
    ask: str = attrs.field(default="service", validator=validators.choice("service", "files"))
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def find(self, root: Path) -> list[Found]:
        conf = _system_conf(root)
        if self.ask == "files":
            version, detail = _from_files(root, read_key_file(conf, max_bytes=MAX_BYTES), conf)
        else:
            version, detail = _from_service(root, self.timeout_seconds)
        return [Found(component=self.component, version=version, detail=detail)]


def _system_conf(root: Path) -> RootedPath:
    """Find the one file that makes a device a device with RAUC; its program alone does not."""
    for path in SYSTEM_CONF:
        with suppress(SourceAbsent):
            require_there(below(root, path))
            return below(root, path)
    raise SourceAbsent(f"there is no {below(root, SYSTEM_CONF[0])}")


def _from_service(root: Path, timeout_seconds: int) -> tuple[str, str]:
    try:
        return _asked(root, COMMAND, booted_in_json, timeout_seconds)
    except ProgramFailed as failure:
        if NO_JSON not in failure.complaints + failure.output:
            raise
    try:
        return _asked(root, SHELL_COMMAND, booted_in_shell, timeout_seconds)
    except SourceFailed as failure:
        raise SourceFailed(f'{failure}; this RAUC prints no JSON: set ask = "files"') from None


def _asked(root: Path, command: Sequence[str], booted: Booted, timeout_seconds: int) -> tuple[str, str]:
    place = " ".join(command)
    output = output_of(located(root, command), max_bytes=MAX_BYTES, timeout_seconds=timeout_seconds)
    slot, version = booted(output, place)
    return _known(version, slot), f"{place}: {slot}"


def _from_files(root: Path, conf: Groups, file: RootedPath) -> tuple[str, str]:
    if _was_started_from_outside(root):
        raise SourceAbsent("what runs was started from outside RAUC's slots")
    place = _status_file(conf)
    if place is None:
        status = below(root, SLOT_STATUS)
        return _bundle_version(status, "slot", "the booted slot"), str(status)
    slot = _slot_of_command_line(root, conf, file)
    status = below(root, place)
    return _bundle_version(status, f"slot.{slot}", slot), f"{status}: {slot}"


def _was_started_from_outside(root: Path) -> bool:
    """Look for what RAUC itself goes by: rauc.external, or a root file system on the network."""
    with suppress(SourceAbsent, SourceFailed):
        words = read_text(below(root, COMMAND_LINE), max_bytes=MAX_BYTES).split()
        return any(word.startswith(("rauc.external", "root=/dev/nfs")) for word in words)
    return False


def _status_file(conf: Groups) -> str | None:
    """Tell where the states of all slots are; None: each is in its slot."""
    system = conf.get("system", {})
    place = system.get("statusfile")
    if place is None and (folder := system.get("data-directory")):
        return f"{folder}/central.raucs"
    return None if place == "per-slot" else place


def _slot_of_command_line(root: Path, conf: Groups, file: RootedPath) -> str:
    command_line = below(root, COMMAND_LINE)
    words = read_text(command_line, max_bytes=MAX_BYTES).split()
    bootnames = [word.removeprefix("rauc.slot=") for word in words if word.startswith("rauc.slot=")]
    if not bootnames:
        raise SourceFailed(f'{command_line} holds no rauc.slot=: use ask = "service"')
    for group, values in conf.items():
        slot = group.removeprefix("slot.")
        if slot != group and bootnames[-1] in {slot, values.get("bootname")}:
            return slot
    raise SourceFailed(f"{file} has no slot with the bootname {bootnames[-1]}, which is booted")


def _bundle_version(file: RootedPath, group: str, slot: str) -> str:
    try:
        status = read_key_file(file, max_bytes=MAX_BYTES)
    except SourceAbsent:
        raise _unknown(slot) from None
    return _known(status.get(group, {}).get("bundle.version"), slot)


def _known(version: str | None, slot: str) -> str:
    if not version:
        raise _unknown(slot)
    return version


def _unknown(slot: str) -> SourceAbsent:
    """A slot that came from the factory, and not from RAUC, is a place where RAUC knows nothing."""
    return SourceAbsent(f"RAUC does not know the version of {slot}: it has not installed it")
