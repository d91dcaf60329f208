"""`firmtrail-agent status`, `config show` and `spool`: what people ask of an agent that runs, or does not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pytest

from firmtrail_agent.daemon import status_file
from firmtrail_agent.daemon.status_file import Status, sentence
from firmtrail_agent.system import atomic_file, directories
from firmtrail_agent.system.boot import boot_time
from firmtrail_agent.system.directories import InUse, hold, is_held
from tests.agent.support.device import DEVICE_ID, SECRET, Device, ended
from tests.agent.support.report_server import Answer, ReportServer, bare, refusing, taken
from tests.agent.support.service_manager import ServiceManager

UNUSED_PORT_URL = "http://127.0.0.1:9"
#: with all modules there already, since somebody else need not be able to read them
AS_SOMEBODY_ELSE = """
import os
import firmtrail, firmtrail_agent.server.client, firmtrail_agent.state.device
import firmtrail_agent.cli.options, firmtrail_agent.doctor.checks, firmtrail_agent.report.report
from firmtrail_agent.cli import main
os.setuid(65534)
main()
"""


async def test_without_an_agent_that_runs_the_status_is_3(device: Device) -> None:
    result = await device.run("status")

    assert (result.code, result.stdout) == (3, "not running\n")


async def test_a_healthy_agent_is_0_and_tells_in_one_line(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")

    result = await device.run("status")

    assert result.stdout.startswith("ok: main 1.4.2, last report ")
    assert result.code == 0
    agent.terminate()
    await ended(agent)


async def test_a_degraded_agent_is_1_and_says_why_to_programs(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = refusing(404)
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=degraded")

    result = await device.run("status", "--json")

    said = json.loads(result.stdout)
    assert said["state"] == "degraded"
    assert said["problems"] == ["wrong server or device: Not today. (404, made_up, request r1)"]
    assert said["spool"] == {"records": 1, "in_memory": 0, "dropped": 0, "corrupt": 0, "others": 0}
    assert said["pid"] == agent.pid
    assert result.code == 1
    agent.terminate()
    await ended(agent)


@pytest.mark.parametrize(("answer", "hours"), [(refusing(404), (5.3, 6)), (bare(404), (0, 0.25))])
async def test_the_status_says_when_it_sends_next(
    device: Device, server: ReportServer, service_manager: ServiceManager, answer: Answer, hours: tuple[float, float]
) -> None:
    server.answer = answer
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=degraded")

    said = json.loads((await device.run("status", "--json")).stdout)

    assert hours[0] <= (said["next_send"] - boot_time()) / 3600 <= hours[1]
    agent.terminate()
    await ended(agent)


async def test_an_agent_that_was_killed_does_not_run(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")
    agent.kill()
    await ended(agent)

    assert (await device.run("status")).code == 3


async def test_an_agent_whose_process_is_stopped_is_degraded(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")
    agent.send_signal(signal.SIGSTOP)

    result, to_programs = await device.run("status"), await device.run("status", "--json")

    agent.send_signal(signal.SIGCONT)
    assert (result.code, to_programs.code) == (1, 1)
    assert result.stdout.startswith(f"degraded: its process {agent.pid} is stopped, last report ")
    assert json.loads(to_programs.stdout)["problems"] == [f"its process {agent.pid} is stopped"]
    assert (await device.run("status")).code == 0
    agent.terminate()
    await ended(agent)


async def test_an_agent_that_hangs_is_degraded(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")
    runtime = directories.runtime({}, device.root)
    said = status_file.read(runtime)
    assert said is not None
    status_file.write(attrs.evolve(said, next_round=boot_time() - 600), runtime)

    result = await device.run("status")

    assert (
        result.code,
        result.stdout.startswith("degraded: the round that was due 10 min ago is not over, last "),
    ) == (
        1,
        True,
    )
    agent.terminate()
    await ended(agent)


async def test_a_second_agent_on_one_device_gives_way(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("READY=1")

    second = await device.run("run")

    assert second.code == os.EX_TEMPFAIL
    assert "Another firmtrail-agent uses " in second.stderr
    agent.terminate()
    await ended(agent)


async def test_a_report_by_hand_leaves_the_spool_of_the_running_agent_alone(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = refusing(404)
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=degraded")
    server.answer = taken

    result = await device.run("report")

    assert (result.code, server.received[-1].history) == (0, [{"main": "1.4.2"}])
    assert len(json.loads((await device.run("spool", "list", "--json")).stdout)) == 1
    agent.terminate()
    await ended(agent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("command", ["status", "spool list", "spool purge"])
async def test_who_may_not_look_at_an_agent_is_told_so(
    device: Device, service_manager: ServiceManager, command: str
) -> None:
    device.configure(UNUSED_PORT_URL)
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("READY=1")

    refused = await ended(await device.start(*command.split(), program=AS_SOMEBODY_ELSE))
    agent.terminate()
    await ended(agent)

    assert (refused.code, refused.stdout) == (77, "")
    assert refused.stderr.endswith(": Permission denied: run this as root\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_the_doctor_says_to_whom_a_fault_is_one_of_permissions(device: Device) -> None:
    device.write("/var/lib/firmtrail-agent/boot.json", "")

    findings = await ended(await device.start("doctor", program=AS_SOMEBODY_ELSE))

    assert findings.code == 1
    assert findings.stdout.count("fix: run this as root") >= 2
    assert "Traceback" not in findings.stderr


async def test_the_configuration_is_shown_with_the_place_of_every_value(device: Device, server: ReportServer) -> None:
    result = await device.run(
        "config", "show", "--set", "report.interval_seconds=60", FIRMTRAIL_AGENT_SERVER_URL="http://other"
    )

    lines = result.stdout.splitlines()
    assert 'server.url = "http://other"  # FIRMTRAIL_AGENT_SERVER_URL' in lines
    assert f'device.id = "{DEVICE_ID}"  # {device.config}, line 4' in lines
    assert "report.interval_seconds = 60  # --set report.interval_seconds" in lines
    assert "report.first_within_seconds = 0  # " in result.stdout
    assert SECRET not in result.stdout
    assert result.code == os.EX_OK


async def test_a_device_without_a_configuration_shows_what_would_be(device: Device) -> None:
    device.config.unlink()

    lines = (await device.run("config", "show")).stdout.splitlines()

    assert "server.url = not set  # default" in lines
    assert "report.interval_seconds = 3600  # default" in lines
    assert 'sources = "auto"  # default' in lines


async def test_what_is_wrong_is_not_shown_but_named_with_78(device: Device) -> None:
    device.write("/etc/firmtrail-agent/config.d/1.toml", f'[server]\nurl = "http://user:{SECRET}@h"')
    device.write("/etc/firmtrail-agent/config.d/2.toml", "[")

    result = await device.run("config", "show")

    assert "server.url" not in result.stdout
    assert "report.interval_seconds = 3600  # default" in result.stdout
    assert "1.toml, line 2: server.url must hold no credentials" in result.stderr
    assert "2.toml: is not valid TOML" in result.stderr
    assert result.code == os.EX_CONFIG


async def offline(device: Device, *versions: str) -> None:
    """Let a device run versions while it is offline."""
    good = device.config.read_text()
    device.configure(UNUSED_PORT_URL)
    for version in versions:
        device.write("/etc/version", version)
        await device.run("report")
    device.config.write_text(good)


async def test_the_spool_is_shown_oldest_first(device: Device) -> None:
    await offline(device, "1.4.2", "1.5.0")

    result = await device.run("spool", "list")

    assert [line.rpartition(": ")[2] for line in result.stdout.splitlines()] == ["main 1.4.2", "main 1.5.0"]
    assert result.code == os.EX_OK


async def test_an_empty_spool_is_shown_as_such(device: Device) -> None:
    result = await device.run("spool", "list")

    assert result.stdout == ""
    assert "nothing waits in " in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_what_root_reports_by_hand_belongs_to_the_user_of_the_service(device: Device) -> None:
    device.configure(UNUSED_PORT_URL)
    state = device.root / "var/lib/firmtrail-agent"
    device.write("/var/lib/firmtrail-agent/spool/0000000007.record", "rotten")
    for directory in (state, state / "spool"):
        os.chown(directory, 65534, 65534)

    assert (await device.run("report")).code == 69

    ours = {file.name for file in state.rglob("*") if file.stat().st_uid == 65534}
    assert ours == {"boot.json", "lock", "spool", "0000000001.record", "bad"}


async def test_the_spool_is_sent_by_hand(device: Device, server: ReportServer) -> None:
    await offline(device, "1.4.2", "1.5.0")

    result = await device.run("spool", "flush")

    assert (result.code, result.stdout) == (0, "2 records sent\n")
    assert server.received[-1].history == [{"main": "1.4.2"}, {"main": "1.5.0"}]
    assert (await device.run("spool", "list")).stdout == ""


async def test_a_spool_that_cannot_be_sent_stays(device: Device, server: ReportServer) -> None:
    await offline(device, "1.4.2")
    server.answer = refusing(401)

    result = await device.run("spool", "flush")

    assert result.code == os.EX_NOPERM
    assert len((await device.run("spool", "list")).stdout.splitlines()) == 1


async def test_the_agent_that_runs_sends_its_spool_when_it_is_told_to(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = refusing(404)
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=degraded")
    server.answer = taken

    result = await device.run("spool", "flush")

    assert result.stdout == "the agent that runs is told to report now\n"
    await service_manager.hear_of("STATUS=ok")
    agent.terminate()
    await ended(agent)


@pytest.mark.parametrize("used", [directories.state, directories.runtime])
async def test_a_process_that_has_the_number_of_an_agent_that_is_gone_is_told_nothing(
    device: Device, used: Callable[[Mapping[str, str], Path], Path]
) -> None:
    innocent = await asyncio.create_subprocess_exec("sleep", "60")
    runtime = directories.runtime({}, device.root)
    runtime.mkdir(parents=True)
    status_file.write(Status(pid=innocent.pid, started=1, next_round=0.0), runtime)
    lock = hold(used({}, device.root))
    assert lock is not None

    result = await device.run("spool", "flush")

    os.close(lock)
    innocent.terminate()
    assert (result.code, await innocent.wait()) == (os.EX_TEMPFAIL, -signal.SIGTERM)


async def test_the_spool_is_thrown_away(device: Device) -> None:
    await offline(device, "1.4.2", "1.5.0")

    result = await device.run("spool", "purge")

    assert (result.code, result.stdout) == (0, "2 records thrown away\n")
    assert (await device.run("spool", "list")).stdout == ""


async def test_the_spool_of_an_agent_that_runs_is_not_thrown_away(
    device: Device, service_manager: ServiceManager
) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("READY=1")

    result = await device.run("spool", "purge")

    assert result.code == os.EX_TEMPFAIL
    agent.terminate()
    await ended(agent)


async def test_no_file_that_the_agent_leaves_holds_the_key(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = refusing(401)
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=degraded")
    agent.send_signal(signal.SIGTERM)
    await agent.wait()

    left = [file for name in ("var", "run") for file in (device.root / name).rglob("*") if file.is_file()]
    assert left
    assert not [file for file in left if SECRET.encode() in file.read_bytes()]


def test_a_directory_is_held_by_one_and_free_again_when_its_file_is_closed(tmp_path: Path) -> None:
    descriptor = hold(tmp_path)
    assert descriptor is not None
    assert is_held(tmp_path)
    with pytest.raises(InUse):
        hold(tmp_path)

    os.close(descriptor)

    assert not is_held(tmp_path)


def test_a_directory_that_cannot_be_made_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert hold(tmp_path / "file" / "state") is None
    assert not is_held(tmp_path / "file" / "state")


def test_systemd_says_where_state_and_status_go() -> None:
    given = {"STATE_DIRECTORY": "/a", "RUNTIME_DIRECTORY": "/b"}

    assert directories.state(given, Path("/")) == Path("/a")
    assert directories.runtime(given, Path("/")) == Path("/b")
    assert directories.state({}, Path("/x")) == Path("/x/var/lib/firmtrail-agent")


def test_what_an_earlier_version_of_the_agent_has_left_is_read(tmp_path: Path) -> None:
    said = Status(pid=1, problems=[], next_round=1.0)
    without = {name: value for name, value in status_file.as_json(said).items() if name != "started"}
    atomic_file.write(tmp_path / "status.json", json.dumps(without))

    assert status_file.read(tmp_path) == said


@pytest.mark.parametrize(("late", "state"), [(-3600.0, "ok"), (0.0, "ok"), (299.0, "ok"), (301.0, "degraded")])
def test_an_agent_has_five_minutes_for_a_round(late: float, state: str) -> None:
    said = status_file.judged(Status(pid=1, last_report=0.0, next_round=7200.0), 7200.0 + late)

    assert (said.state, "next in" in sentence(said, 7200.0 + late)) == (state, state == "ok")


def test_a_sentence_tells_versions_and_times() -> None:
    said = Status(pid=1, versions={"main": "1.4.2", "modem": "9"}, last_report=0.0, next_round=3600.0)

    assert sentence(said, 720) == "ok: main 1.4.2, modem 9, last report 12 min ago, next in 48 min"


@pytest.mark.parametrize(
    ("seconds", "said"), [(59, "59 s"), (60, "1 min"), (7199, "120 min"), (7200, "2 h"), (14 * 86400, "14 days")]
)
def test_times_are_told_as_a_person_would(seconds: float, said: str) -> None:
    assert sentence(Status(pid=1, next_round=seconds), 0.0) == f"starting: next in {said}"
