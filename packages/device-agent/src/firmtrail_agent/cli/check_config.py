"""The commands that only look: at the configuration, the spool, and the agent that runs."""

from __future__ import annotations

import argparse
import json
import os
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from firmtrail_agent.cli.output import show, show_json
from firmtrail_agent.config import configuration, credentials
from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.config.credentials import CredentialRefused
from firmtrail_agent.config.layers import Layers, layers_of, open_to_others
from firmtrail_agent.config.settings import read_credential
from firmtrail_agent.daemon import status_file
from firmtrail_agent.sources.engine import plugins
from firmtrail_agent.sources.engine.registry import BUILT_IN
from firmtrail_agent.state import identity
from firmtrail_agent.system import boot, directories, log

if TYPE_CHECKING:
    from firmtrail_agent.state.record_files import Owned

#: as sysv-init scripts answer `status`
HEALTHY, DEGRADED, NOT_RUNNING = 0, 1, 3


def status(options: argparse.Namespace) -> int:
    """Say how the agent that runs is."""
    runtime = directories.runtime(os.environ, options.root)
    left = status_file.read(runtime) if directories.is_held(runtime) else None
    if left is None:
        show(json.dumps({"state": "not running"}) if options.json else "not running")
        return NOT_RUNNING
    now = boot.boot_time()
    said = status_file.judged(left, now)
    if options.json:
        show_json(status_file.as_json(said))
    else:
        show(status_file.sentence(said, now))
    return DEGRADED if said.state == "degraded" else HEALTHY


def check_config(options: argparse.Namespace) -> int:
    """Show all that is wrong with the configuration and the API key, or that nothing is."""
    layers = layers_of(options)
    try:
        chosen = configuration.load(layers)
        credential = read_credential(chosen, os.environ)
    except (BadConfiguration, CredentialRefused):
        return _show_problems(layers)
    if problems := [*open_to_others(layers), *plugins.clashes(BUILT_IN)]:
        show(*problems)
        return os.EX_CONFIG
    show(f"ok: device {chosen.device_id} reports to {chosen.server_url} with the API key in {credential.file}")
    return os.EX_OK


def doctor(options: argparse.Namespace) -> int:
    """Look at all that a report needs, and say what mends each fault."""
    import asyncio  # noqa: PLC0415  the others start faster without it and the HTTP library

    from firmtrail_agent.doctor.checks import Case, examine  # noqa: PLC0415  the same
    from firmtrail_agent.system.host import Surroundings  # noqa: PLC0415  the same

    case = Case(layers=layers_of(options), around=Surroundings(environment=os.environ, root=options.root))
    findings = asyncio.new_event_loop().run_until_complete(examine(case))
    if options.json:
        show_json([attrs.asdict(one) for one in findings])
    else:
        for one in findings:
            show(f"{one.state:<8} {one.check:<14} {one.detail}")
            if one.fix:
                show(f"{'':8} {'':14} fix: {one.fix}")
    return DEGRADED if any(one.state == "fault" for one in findings) else HEALTHY


def config_show(options: argparse.Namespace) -> int:
    """Show every setting with its value, and where that comes from."""
    problems: list[str] = []
    for name, value, place in configuration.explain(layers_of(options), problems):
        shown = "not set" if value is None else json.dumps(value, ensure_ascii=False, default=str)
        show(f"{name} = {shown}  # {place}")
    for problem in problems:
        log.error(problem)
    return os.EX_CONFIG if problems else os.EX_OK


def spool_list(options: argparse.Namespace) -> int:
    """Show what waits to be sent, oldest first."""
    from firmtrail_agent.state import record_files  # noqa: PLC0415  brings the SDK, which other commands do not need

    directory = directories.state(os.environ, options.root) / "spool"
    known = _device_id(options)
    found = record_files.look_into(directory)
    waiting = [one for one in found if known in {None, one.device_id}]
    others = len(found) - len(waiting) + len(record_files.files_in(directory / record_files.OTHERS))
    if options.json:
        show_json([_as_json(one) for one in waiting])
    else:
        for one in waiting:
            show(_told(one.record))
        if not waiting:
            log.info(f"nothing waits in {directory}")
    if others:
        log.warning(f"{others} records of another device are kept in {directory} and are not sent")
    return os.EX_OK


def _device_id(options: argparse.Namespace) -> uuid.UUID | None:
    with suppress(BadConfiguration):
        return configuration.load(layers_of(options)).device_id
    return None


def _as_json(owned: Owned) -> dict[str, Any]:
    from firmtrail import to_json  # noqa: PLC0415  the same

    return {"device_id": str(owned.device_id), **json.loads(to_json(owned.record))}


def _show_problems(layers: Layers) -> int:
    codes: list[int] = []
    problems: list[str] = []
    try:
        configuration.load(layers)
    except BadConfiguration as error:
        codes.append(os.EX_CONFIG)
        problems += error.problems
    try:
        enrolled = identity.file_in(directories.state(layers.environment, layers.root))
        credentials.load(configuration.load_key_file(layers), os.environ, identity_file=enrolled)
    except CredentialRefused as error:
        codes.append(os.EX_NOPERM)
        problems.append(str(error))
    problems += open_to_others(layers)
    show(*dict.fromkeys(problems))
    return codes[0]


def _told(record: Any) -> str:
    first, last = record.first_observed, record.last_observed or record.first_observed
    components = ", ".join(f"{one.component} {one.version or 'failed: ' + one.error}" for one in record.components)
    return f"boot {first.boot_sequence} +{_seconds(first)} to boot {last.boot_sequence} +{_seconds(last)}: {components}"


def _seconds(reading: Any) -> str:
    return f"{reading.boot_time_ms / 1000:.0f} s"
