"""The units under a real systemd, as root: `./dev systemd`. Too slow for the other tests, which do not collect it."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from tests.agent.support.device import API_KEY, DEVICE_ID, SECRET
from tests.agent.systemd.sandbox import Sandbox, agent_of_the_checkout, booted, missing

if reason := missing():
    pytest.skip(f"no systemd can be booted here: {reason}", allow_module_level=True)

AGENT, ONCE, TIMER = "firmtrail-agent.service", "firmtrail-agent-report.service", "firmtrail-agent-report.timer"
CONFIG = f"""
[server]
url = "http://firmtrail.invalid"
[device]
id = "{DEVICE_ID}"
[report]
first_within_seconds = 0
"""
PLAIN = "/etc/credstore/firmtrail-agent.api-key"
ENCRYPTED = "firmtrail-agent.api-key.encrypted"
_LEFT = (
    "/etc/credstore",
    "/etc/credstore.encrypted",
    "/etc/firmtrail-agent",
    "/run/firmtrail-agent",
    "/var/lib/firmtrail-agent",
    "/var/lib/private/firmtrail-agent",
)
#: takes what is sent to the DNS server, and never answers
_SILENT_DNS = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("listens", flush=True)
server.recv(512)
print("asked", flush=True)
server.recv(1 << 30)
while True:
    server.recv(512)
"""
_ENROLLED = f"""
from pathlib import Path
from uuid import UUID
from firmtrail_agent.state import identity
file = identity.file_in(Path("/var/lib/firmtrail-agent"))
identity.write(file, identity.Identity(device_id=UUID("{DEVICE_ID}"), api_key="{API_KEY}"))
"""


@pytest.fixture(scope="module")
def machine() -> Generator[Sandbox]:
    with booted(agent_of_the_checkout) as sandbox:
        sandbox.run("systemd-creds", "setup")
        yield sandbox


@pytest.fixture
def sandbox(machine: Sandbox) -> Generator[Sandbox]:
    """A machine on which the agent is configured, with a plain credential, and no network at all."""
    machine.write("/etc/firmtrail-agent/config.toml", CONFIG)
    machine.write(PLAIN, f"{API_KEY}\n", 0o600)
    hasten(machine, AGENT, "[Service]", "RestartSec=100ms")
    yield machine
    assert SECRET not in machine.run("journalctl", "--no-pager")
    machine.run("systemctl", "stop", AGENT, ONCE, TIMER)
    machine.run("systemctl", "reset-failed")
    machine.run("rm", "-rf", *_LEFT)
    machine.run("journalctl", "--rotate", "--vacuum-time=1us")


def hasten(sandbox: Sandbox, unit: str, *lines: str) -> None:
    """Change a unit as an administrator does; here its times, so that a test need not wait."""
    sandbox.write(f"/etc/systemd/system/{unit}.d/test.conf", "\n".join(lines))
    sandbox.run("systemctl", "daemon-reload")


def entries(sandbox: Sandbox, unit: str = AGENT) -> list[dict[str, Any]]:
    lines = sandbox.run("journalctl", "--output=json", "--no-pager", "-u", unit).splitlines()
    return [json.loads(line) for line in lines]


def test_it_is_ready_without_a_network_and_says_why_it_cannot_report(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", AGENT)

    assert sandbox.property("ActiveState") == "active"
    sandbox.wait_for(lambda: "server not reachable" in sandbox.property("StatusText"), "a status")
    assert sandbox.run("firmtrail-agent", "status", check=False).startswith("degraded: server not reachable")


def test_the_journal_has_the_priority_and_the_unit_of_each_line(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", AGENT)
    sandbox.wait_for(lambda: "server not reachable" in sandbox.journal(), "a warning")

    (warning,) = [entry for entry in entries(sandbox) if "server not reachable" in entry["MESSAGE"]]

    assert (warning["PRIORITY"], warning["_SYSTEMD_UNIT"]) == ("4", AGENT)
    assert warning["SYSLOG_IDENTIFIER"] == "firmtrail-agent"
    assert warning["_UID"] != "0"


def test_a_good_configuration_is_taken_by_a_reload(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", AGENT)
    before = sandbox.property("MainPID")

    sandbox.run("systemctl", "reload", AGENT)

    sandbox.wait_for(lambda: "the configuration was read again" in sandbox.journal(), "a new configuration")
    sandbox.until("ActiveState", "active")
    assert sandbox.property("MainPID") == before


def test_a_bad_configuration_is_refused_by_a_reload_and_costs_nothing(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", AGENT)
    sandbox.write("/etc/firmtrail-agent/config.toml", "[server]\nurl = 7\n")

    sandbox.run("systemctl", "reload", AGENT)

    sandbox.wait_for(lambda: "the configuration stays as it was" in sandbox.journal(), "a refusal")
    sandbox.until("ActiveState", "active")
    assert sandbox.property("NRestarts") == "0"


def test_a_key_file_of_roots_is_refused_with_the_place_where_the_service_finds_its_key(sandbox: Sandbox) -> None:
    sandbox.write("/etc/firmtrail-agent/api-key", API_KEY, 0o600)
    sandbox.write("/etc/firmtrail-agent/config.d/key.toml", '[device]\nkey_file = "/etc/firmtrail-agent/api-key"\n')
    sandbox.run("rm", PLAIN)

    sandbox.run("systemctl", "start", AGENT, check=False)

    sandbox.until("ActiveState", "failed")
    assert f"write its API key into {PLAIN}" in sandbox.journal()


def test_an_agent_that_hangs_is_killed_by_the_watchdog_and_started_again(sandbox: Sandbox) -> None:
    hasten(sandbox, AGENT, "[Service]", "RestartSec=100ms", "WatchdogSec=1s", "TimeoutAbortSec=1s")
    sandbox.run("systemctl", "start", AGENT)
    before = sandbox.property("MainPID")

    sandbox.run("kill", "-STOP", before)

    sandbox.until("NRestarts", "1")
    sandbox.until("ActiveState", "active")
    assert "Watchdog timeout" in sandbox.run("journalctl", "--no-pager", "-u", AGENT)


def test_an_agent_that_is_killed_is_started_again_with_its_state(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", AGENT)
    state = sandbox.root / "var/lib/private/firmtrail-agent/boot.json"
    before = state.read_bytes()

    sandbox.run("systemctl", "kill", "--signal=KILL", AGENT)

    sandbox.until("NRestarts", "1")
    sandbox.until("ActiveState", "active")
    assert state.read_bytes() == before
    assert state.stat().st_uid != 0


def test_a_bad_configuration_stays_down(sandbox: Sandbox) -> None:
    sandbox.write("/etc/firmtrail-agent/config.toml", "[server]\nurl = 7\n")

    sandbox.run("systemctl", "start", AGENT, check=False)

    assert (sandbox.property("ExecMainStatus"), sandbox.property("SubState")) == ("78", "failed")
    assert "server.url must be a URL" in sandbox.journal()


def test_without_a_credential_it_stays_down_and_says_what_to_do(sandbox: Sandbox) -> None:
    sandbox.run("rm", PLAIN)

    sandbox.run("systemctl", "start", AGENT, check=False)

    assert (sandbox.property("ExecMainStatus"), sandbox.property("SubState")) == ("77", "failed")
    assert "run firmtrail-agent enroll, pass one as the systemd credential" in sandbox.journal()


def test_an_encrypted_credential_is_used(sandbox: Sandbox) -> None:
    sandbox.run("rm", PLAIN)
    sandbox.run("mkdir", "-p", "/etc/credstore.encrypted")
    sandbox.run(
        "systemd-creds", "encrypt", "--with-key=host", "-", f"/etc/credstore.encrypted/{ENCRYPTED}", given=API_KEY
    )

    sandbox.run("systemctl", "start", AGENT)

    assert sandbox.property("ActiveState") == "active"


def test_what_root_has_enrolled_is_the_agents(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", AGENT)
    sandbox.run("systemctl", "stop", AGENT)
    sandbox.run("rm", PLAIN)

    sandbox.run("agents-python", _ENROLLED)

    sandbox.run("systemctl", "start", AGENT)
    assert sandbox.property("ActiveState") == "active"


def test_what_helpers_drop_belongs_to_root_and_outlasts_a_stop(sandbox: Sandbox) -> None:
    sandbox.write("/run/firmtrail-agent/versions.d/modem.json", '{"modem": "1.2"}')
    sandbox.run("systemctl", "start", AGENT)
    sandbox.wait_for(lambda: "server not reachable" in sandbox.property("StatusText"), "a round")
    assert "modem" in sandbox.run("firmtrail-agent", "status", "--json", check=False)

    sandbox.run("systemctl", "stop", AGENT)

    assert (sandbox.root / "run/firmtrail-agent/versions.d/modem.json").read_text() == '{"modem": "1.2"}'


def test_a_stop_ends_it_in_order_while_it_asks_a_silent_dns_server(sandbox: Sandbox) -> None:
    sandbox.run("rm", "-f", "/etc/resolv.conf")
    sandbox.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30\n")
    dns = sandbox.start_inside("agents-python", _SILENT_DNS)
    assert dns.stdout is not None
    try:
        assert dns.stdout.readline() == b"listens\n"
        sandbox.run("systemctl", "start", AGENT)
        assert dns.stdout.readline() == b"asked\n"

        sandbox.run("systemctl", "stop", AGENT)

        assert (sandbox.property("Result"), sandbox.property("ExecMainStatus")) == ("success", "0")
    finally:
        dns.kill()
        dns.wait()
        dns.stdout.close()
        sandbox.run("rm", "/etc/resolv.conf")


def test_the_timer_reports_and_an_offline_device_is_no_failure(sandbox: Sandbox) -> None:
    hasten(sandbox, TIMER, "[Timer]", "RandomizedDelaySec=0")

    sandbox.run("systemctl", "start", TIMER)

    sandbox.wait_for(lambda: sandbox.property("ExecMainStatus", ONCE) == "69", "a report")
    sandbox.until("ActiveState", "inactive", ONCE)
    assert sandbox.property("Result", ONCE) == "success"
    sandbox.until("SubState", "waiting", TIMER)
    assert "main" in sandbox.run("firmtrail-agent", "spool", "list")


def test_the_agent_and_the_timer_take_turns(sandbox: Sandbox) -> None:
    sandbox.run("systemctl", "start", TIMER)

    sandbox.run("systemctl", "start", AGENT)

    assert (sandbox.property("ActiveState", TIMER), sandbox.property("ActiveState")) == ("inactive", "active")
