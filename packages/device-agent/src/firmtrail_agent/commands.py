"""The commands: each reads what it needs, does one thing, says how it went and gives an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from firmtrail_agent import configuration, credentials, log, output
from firmtrail_agent.configuration import BadConfiguration, Configuration
from firmtrail_agent.credentials import CredentialRefused
from firmtrail_agent.layers import Layers
from firmtrail_agent.reporting import Result, exit_code, report_once
from firmtrail_agent.sources import read_all


def report(options: argparse.Namespace) -> int:
    """Read every version now and report it."""
    chosen = configuration.load(_layers(options))
    results = _dry_run(chosen, options) if options.dry_run else _report(chosen, options)
    shown = output.results_json(results) if options.json else output.results_table(results)
    _print(shown)
    for result in results:
        if result.error:
            log.error(f"{result.reading.component}: {result.error}")
    return exit_code(results)


def run(options: argparse.Namespace) -> int:
    """Report now and then until SIGTERM."""
    import asyncio  # noqa: PLC0415  the commands that need no network start faster without it

    from firmtrail_agent.agent import Agent, Surroundings  # noqa: PLC0415  the same

    chosen = configuration.load(_layers(options))
    credential = credentials.load(chosen.key_file, os.environ)
    agent = Agent(chosen, credential, Surroundings(environment=os.environ, root=options.root))
    # Not asyncio.run, which ends only when the thread has ended that asks for an address: see cli.py
    asyncio.new_event_loop().run_until_complete(agent.run())
    return os.EX_OK


def version(options: argparse.Namespace) -> int:
    """Read every version now and show it."""
    readings = read_all(configuration.load_sources(_layers(options)), options.root)
    if options.json:
        _print(output.readings_json(readings))
    else:
        _print(output.explained_table(readings) if options.explain else output.readings_table(readings))
        for reading in readings:
            if reading.error and not options.explain:
                log.error(f"{reading.component}: {reading.error}")
    return exit_code([Result(reading=reading) for reading in readings if not reading.is_absent])


def check_config(options: argparse.Namespace) -> int:
    """Show all that is wrong with the configuration, or that nothing is."""
    from firmtrail_agent.sources import plugins  # noqa: PLC0415  no other command looks for what it does not need

    try:
        chosen = configuration.load(_layers(options))
        credential = credentials.load(chosen.key_file, os.environ)
    except BadConfiguration as error:
        _print(str(error))
        return os.EX_CONFIG
    except CredentialRefused as error:
        _print(str(error))
        return os.EX_NOPERM
    if clashes := plugins.clashes():
        _print("\n".join(clashes))
        return os.EX_CONFIG
    _print(f"ok: device {chosen.device_id} reports to {chosen.server_url} with the API key in {credential.file}")
    return os.EX_OK


def _dry_run(chosen: Configuration, options: argparse.Namespace) -> list[Result]:
    readings = read_all(chosen.sources, options.root)
    return [Result(reading=reading) for reading in readings if not reading.is_absent]


def _report(chosen: Configuration, options: argparse.Namespace) -> list[Result]:
    import asyncio  # noqa: PLC0415  see run

    credential = credentials.load(chosen.key_file, os.environ)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, also in the middle of a look-up
    return asyncio.new_event_loop().run_until_complete(report_once(chosen, credential, options.root))


def _layers(options: argparse.Namespace) -> Layers:
    return Layers(
        environment=os.environ,
        settings=[*options.settings_before, *options.settings],
        file=options.config,
        root=options.root,
    )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
