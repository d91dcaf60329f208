"""The Debian package on a machine that runs: installed, upgraded, removed and purged by dpkg under a real systemd."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.agent.support.device import API_KEY, DEVICE_ID, SECRET
from tests.agent.systemd.sandbox import Sandbox, booted, missing
from tests.deploy.building import build_deb


def _missing() -> str | None:
    if shutil.which("dpkg") is None or not Path("/usr/bin/python3").exists():
        return "the package needs dpkg and Debian's own Python"
    return missing()


if reason := _missing():
    pytest.skip(f"the package cannot be installed under a systemd here: {reason}", allow_module_level=True)

AGENT, TIMER = "firmtrail-agent.service", "firmtrail-agent-report.timer"
KEY = "/etc/credstore/firmtrail-agent.api-key"
STATE = "/var/lib/private/firmtrail-agent"
_PATIENCE_SECONDS = 20
_LEFT = ("/etc/firmtrail-agent", "/etc/credstore", "/var/lib/firmtrail-agent", STATE)
#: says where it listens, then the versions of each report
_SERVER = """
import asyncio, json
from tests.agent.support.report_server import ReportServer

async def main():
    async with ReportServer() as server:
        print(server.url, flush=True)
        while True:
            print(json.dumps((await server.arrival()).versions), flush=True)

asyncio.run(main())
"""


class Server:
    """A server on the machine's loopback interface, which is all the network that it has."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.url = self._line()

    def reported(self) -> dict[str, str]:
        """Wait for the next report."""
        return json.loads(self._line())

    def _line(self) -> str:
        said = self._process.stdout
        assert said is not None
        assert select.select([said], [], [], _PATIENCE_SECONDS)[0], "the server has got nothing"
        return said.readline().decode().strip()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    deb = build_deb(tmp_path_factory.mktemp("deb"))

    def lay_out(tree: Path) -> None:
        shutil.copy(deb, tree)

    with booted(lay_out) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(machine: Sandbox) -> Generator[Sandbox]:
    """A machine without the agent."""
    yield machine
    assert SECRET not in machine.run("journalctl", "--no-pager")
    machine.run("dpkg", "--purge", "firmtrail-agent")
    machine.run("rm", "-rf", *_LEFT)


@pytest.fixture
def server(machine: Sandbox) -> Generator[Server]:
    process = machine.start_beside(sys.executable, "-c", _SERVER)
    yield Server(process)
    process.kill()
    process.communicate()


@pytest.fixture
def installed(sandbox: Sandbox, server: Server) -> Sandbox:
    """A machine on which the agent was configured, then installed, and has reported."""
    configure(sandbox, server.url)
    install(sandbox)
    assert server.reported() == {"main": "1.4.2"}
    return sandbox


def configure(sandbox: Sandbox, url: str) -> None:
    sandbox.write("/etc/version", "1.4.2\n")
    sandbox.write(KEY, API_KEY, 0o600)
    source = '[[sources]]\ntype = "file"\ncomponent = "main"\npath = "/etc/version"'
    server = f'[server]\nurl = "{url}"\n[device]\nid = "{DEVICE_ID}"'
    sandbox.write("/etc/firmtrail-agent/config.toml", f"{server}\n[report]\nfirst_within_seconds = 0\n{source}\n")


def install(sandbox: Sandbox) -> str:
    return sandbox.run("sh", "-c", "dpkg --install /firmtrail-agent_*.deb")


def enabled(sandbox: Sandbox, unit: str = AGENT) -> str:
    return sandbox.run("systemctl", "is-enabled", unit, check=False)


def test_without_a_configuration_it_is_neither_enabled_nor_started(sandbox: Sandbox) -> None:
    said = install(sandbox)

    assert "write /etc/firmtrail-agent/config.toml, then: systemctl enable --now firmtrail-agent" in said
    assert (enabled(sandbox), enabled(sandbox, TIMER)) == ("disabled", "disabled")
    assert (sandbox.property("LoadState"), sandbox.property("ActiveState")) == ("loaded", "inactive")


def test_with_a_configuration_and_a_key_it_is_enabled_and_reports(sandbox: Sandbox, server: Server) -> None:
    configure(sandbox, server.url)

    install(sandbox)

    assert (enabled(sandbox), sandbox.property("ActiveState")) == ("enabled", "active")
    assert server.reported() == {"main": "1.4.2"}
    sandbox.wait_for(lambda: sandbox.property("StatusText").startswith("ok: main 1.4.2"), "a report")
    assert sandbox.run("firmtrail-agent", "status").startswith("ok: main 1.4.2")


def test_an_upgrade_restarts_what_runs_and_keeps_its_state(installed: Sandbox) -> None:
    before, state = installed.property("MainPID"), installed.root / STATE.lstrip("/") / "boot.json"
    kept = state.read_bytes()

    install(installed)

    assert installed.property("ActiveState") == "active"
    assert installed.property("MainPID") not in {before, "0"}
    assert state.read_bytes() == kept


def test_an_upgrade_leaves_the_timer_in_the_agents_place(installed: Sandbox) -> None:
    installed.run("systemctl", "disable", "--now", AGENT)
    installed.run("systemctl", "enable", "--now", TIMER)

    install(installed)

    assert (installed.property("ActiveState"), installed.property("ActiveState", TIMER)) == ("inactive", "active")


def test_removing_stops_it_and_keeps_what_it_needs_to_come_back(installed: Sandbox) -> None:
    installed.run("dpkg", "--remove", "firmtrail-agent")

    assert (installed.property("LoadState"), installed.property("ActiveState")) == ("not-found", "inactive")
    assert not (installed.root / "usr/lib/firmtrail-agent").exists()

    install(installed)

    assert (enabled(installed), installed.property("ActiveState")) == ("enabled", "active")


def test_purging_stops_it_and_leaves_nothing(installed: Sandbox) -> None:
    installed.run("dpkg", "--purge", "firmtrail-agent")

    assert installed.property("ActiveState") == "inactive"
    places = ("/etc", "/usr/lib", "/usr/share", "/var/lib", "/run")
    not_in_images = (
        "-path",
        "/var/lib/containers",
        "-prune",
        "-o",
    )  # of this machine, which may hold a package of ours
    assert installed.run("find", *places, *not_in_images, "-name", "firmtrail-agent*", "-print") == ""
