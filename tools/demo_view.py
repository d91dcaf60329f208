"""What ./dev run shows: the history as a table, and how to reach it from a shell and from Python."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firmtrail_contract import Device, FleetStatus, Seed, VersionPeriod

_console = Console(highlight=False)
if not _console.is_terminal:
    _console.width = 120  # a file or a pipe has no width, and 80 columns would fold the table


def say(text: str) -> None:
    _console.print(Text(text, style="dim"))


def show_history(device: Device, periods: Iterable[VersionPeriod]) -> None:
    table = Table(
        title=Text(f"What {device.name} runs, and what it ran", style="bold"), title_justify="left", box=SIMPLE_HEAD
    )
    table.add_column("Component", style="cyan", overflow="fold")
    table.add_column("Version", style="bold", overflow="fold")
    table.add_column("First reported", no_wrap=True)
    table.add_column("Last reported", no_wrap=True)
    table.add_column("Reports", justify="right")
    table.add_column("Current", style="bold green")
    for period in periods:
        table.add_row(
            Text(period.component),
            Text(period.version),
            _local(period.first_reported_at),
            _local(period.last_reported_at),
            str(period.report_count),
            "yes" if period.superseded_at is None else "",
        )
    _console.print()
    _console.print(table)


def show_as_of(device: Device, day: dt.date, periods: Iterable[VersionPeriod], question: str) -> None:
    """Show what a device ran on a day, and the command that asks for it."""
    versions = ", ".join(f"{period.component} {period.version}" for period in periods)
    _section(f"What {device.name} ran on {day:%-d %B %Y}: {versions}", question)
    say(
        f"{device.name} is made up: the demo has reported its past through the API, as an import of old histories does."
    )


def show_fleet(status: FleetStatus, key: str, url: str) -> None:
    """Show what a fleet runs, a line a component, and the command that asks for it."""
    versions = [
        f"{one.component:8} " + ", ".join(f"{count.devices} on {count.version}" for count in one.versions)
        for one in status.components
    ]
    quiet = f"{status.silent} silent, {status.never_reported} never heard of"
    _section(f"A made-up fleet of {status.devices} devices: {quiet}", "\n".join(versions))
    _section("Ask about the fleet", f"FIRMTRAIL_URL={url} FIRMTRAIL_API_KEY={key} .venv/bin/firmtrail fleet status")


def _local(moment: dt.datetime) -> Text:
    return Text(f"{moment.astimezone():%Y-%m-%d %H:%M:%S}")


def show_access(url: str, seed: Seed, project_key: str, data_dir: Path) -> None:
    history = f"{url}/v1/devices/{seed.device.id}/firmware_version"
    device_key = f"{seed.device_api_key.id}:{seed.device_api_key.secret}"
    _section(
        "Where it is", f"API       {url}\nDocs      {url}/docs\nOpenAPI   {url}/openapi.json\nData      {data_dir}"
    )
    _section("Read the history from a shell", f"curl -u {project_key} {history}")
    _section(
        "Report a new version, as the device",
        f"curl -u {device_key} -H 'Content-Type: application/json' -d '{{\"version\": \"1.5.0\"}}' {history}",
    )
    _section(
        "Read it from Python (.venv/bin/python)",
        f"""\
import firmtrail
client = firmtrail.Client("{url}", api_key="{project_key}")
for period in client.firmware.history("{seed.device.id}"):
    print(period.component, period.version, period.first_reported_at, period.report_count)""",
    )


def show_page(link: str) -> None:
    _section("Open the page in a browser, signed in (the link works once, for ten minutes)", link)


def _section(title: str, body: str) -> None:
    """Print a title, and a body to copy: unindented, never wrapped."""
    _console.print()
    _console.print(Text(title, style="bold"))
    _console.print(Text(body), soft_wrap=True)
