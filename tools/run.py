"""The whole system on this machine: a server with a database of its own, a device that reports to it, the result."""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
from pathlib import Path

import demo_view
from demo_history import day_to_ask_about, keep_device
from demo_page import page_link
from demo_past import keep_fleet
from demo_project import CannotReport, keep_project, report_this_machine
from demo_server import ServerStopped, running_server

from firmtrail import Client, FirmtrailError
from firmtrail_contract import Seed

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    options = _options()
    _stop_in_order_on_every_signal()
    _reach_the_server_without_proxy()
    try:
        _run(options.data_dir.absolute(), options.port, once=options.once, fleet=options.fleet)
    except ServerStopped as stopped:
        return _refuse(stopped, stopped.exit_code)
    except (CannotReport, FirmtrailError) as error:
        return _refuse(error, 1)
    except KeyboardInterrupt:
        demo_view.say("Stopped.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after showing the result")
    parser.add_argument("--no-fleet", dest="fleet", action="store_false", help="leave out the made-up fleet")
    parser.add_argument("--port", default="8080", help="the server's port; 0: any free one (default: 8080)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=_default_data_dir(),
        help="where the database and the demo project live (default: %(default)s)",
    )
    return parser.parse_args()


def _default_data_dir() -> Path:
    """A folder here; for root in a place closed to others, one that the user who runs PostgreSQL can reach."""
    closed = any(not folder.stat().st_mode & stat.S_IXOTH for folder in [ROOT, *ROOT.parents])
    return Path("/var/lib/firmtrail-demo") if os.geteuid() == 0 and closed else ROOT / ".firmtrail"


def _stop_in_order_on_every_signal() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A shell ignores SIGINT for background jobs, and the server, stopped by it, would inherit that; nohup means it.
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _reach_the_server_without_proxy() -> None:
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = f"127.0.0.1,{os.environ.get(name, '')}"


def _run(data_dir: Path, port: str, *, once: bool, fleet: bool) -> None:
    demo_view.say("Starting the server and its database ...")
    with running_server(data_dir, port) as server:
        demo_folder = data_dir / "demo"
        seed = keep_project(server.url, demo_folder)
        demo_view.say("Reporting this machine's versions with the device agent ...")
        report_this_machine(server.url, seed, demo_folder)
        key = f"{seed.project_api_key.id}:{seed.project_api_key.secret}"
        with Client(server.url, api_key=key) as client:
            demo_view.show_history(seed.device, client.firmware.history(seed.device.id))
            _show_past(client, seed, key)
            if fleet:
                demo_view.say("\nA year of a made-up fleet passes ...")
                keep_fleet(data_dir, key)
                demo_view.show_fleet(client.fleet.status(labels={"model": None}), key, server.url)
        demo_view.show_access(server.url, seed, key, data_dir)
        demo_view.show_page(page_link(server.url, seed, key, data_dir))
        if not once:
            demo_view.say("\nRunning. Ctrl-C stops it; the data stays.")
            server.wait()


def _show_past(client: Client, seed: Seed, key: str) -> None:
    pump = keep_device(client, seed.project.id)
    periods = list(client.firmware.history(pump.id))
    demo_view.show_history(pump, periods)
    day = day_to_ask_about(periods)
    question = f"curl -u {key} '{client.url}/v1/devices/{pump.id}/firmware_version?at={day}'"
    demo_view.show_as_of(pump, day, client.firmware.history(pump.id, at=day), question)


def _refuse(error: Exception, exit_code: int) -> int:
    print(f"dev run: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
