"""`firmtrail-agent report`, `version` and `check-config`: the real agent, as a process, with a real server."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil

import pytest

from tests.agent.support.device import API_KEY, DEVICE_ID, SECRET, Device
from tests.agent.support.report_server import ReportServer, refusing

UNUSED_PORT_URL = "http://127.0.0.1:9"


async def test_a_report_says_what_runs_where_and_when(device: Device, server: ReportServer) -> None:
    before = dt.datetime.now(dt.UTC)

    result = await device.run("report", "--once")

    (batch,) = server.received
    assert (batch.device_id, batch.history) == (DEVICE_ID, [{"main": "1.4.2"}])
    assert batch.credential == API_KEY
    assert before <= dt.datetime.fromisoformat(batch.sent["wall_time"]) <= dt.datetime.now(dt.UTC)
    assert batch.records[0]["first_observed"]["boot_time_ms"] <= batch.sent["boot_time_ms"]
    assert (result.code, result.stderr) == (os.EX_OK, "")


async def test_the_result_is_a_table_for_people(device: Device) -> None:
    result = await device.run("report")

    assert result.stdout == "COMPONENT  VERSION  RESULT\nmain       1.4.2    opened\n"


async def test_the_result_is_json_for_programs(device: Device) -> None:
    result = await device.run("report", "--json")

    assert json.loads(result.stdout) == {
        "components": [
            {
                "component": "main",
                "version": "1.4.2",
                "error": None,
                "gone": False,
                "source": "file",
                "detail": f"{device.root}/etc/version",
                "outcome": "opened",
                "trouble": None,
            }
        ]
    }


async def test_all_that_the_automatic_sources_find_is_reported(device: Device, server: ReportServer) -> None:
    device.configure(server.url)
    device.config.write_text(device.config.read_text().partition("[[sources]]")[0])
    device.write("/etc/os-release", "IMAGE_VERSION=7\n")
    device.write("/proc/sys/kernel/osrelease", "6.1.0\n")

    result = await device.run("report")

    assert result.code == os.EX_OK
    assert server.versions() == {"main": "7", "kernel": "6.1.0"}


async def test_a_source_that_fails_does_not_keep_the_others_from_being_reported(
    device: Device, server: ReportServer
) -> None:
    device.configure(server.url, sources={"modem": "/etc/modem", "main": "/etc/version"})

    result = await device.run("report")

    assert server.versions()["main"] == "1.4.2"
    assert result.stderr == f"firmtrail-agent: modem: there is no {device.root}/etc/modem\n"
    assert result.code == os.EX_DATAERR


async def test_a_refusal_is_told_in_the_table_on_stderr_and_by_the_exit_code(
    device: Device, server: ReportServer
) -> None:
    server.answer = refusing(401)

    result = await device.run("report")

    assert "main       1.4.2    credentials refused\n" in result.stdout
    assert result.stderr == "firmtrail-agent: main: Not today. (401, made_up, request r1)\n"
    assert result.code == os.EX_NOPERM


async def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(device: Device, server: ReportServer) -> None:
    result = await device.run("report", "--dry-run")

    assert result.stdout == "COMPONENT  VERSION  RESULT\nmain       1.4.2    not sent\n"
    assert (result.code, server.received) == (os.EX_OK, [])


async def test_a_device_without_any_version_does_not_report_success(device: Device) -> None:
    device.write("/etc/version", "")

    assert (await device.run("report", "--dry-run")).code == os.EX_DATAERR


async def test_a_key_that_others_may_read_is_not_used(device: Device, server: ReportServer) -> None:
    device.key_file.chmod(0o644)

    result = await device.run("report")

    assert f"Run: chmod 600 {device.key_file}" in result.stderr
    assert (result.code, server.received) == (os.EX_NOPERM, [])


async def test_a_credential_of_systemd_is_used(device: Device, server: ReportServer) -> None:
    folder = device.root / "credentials"
    folder.mkdir()
    shutil.move(device.key_file, folder / "firmtrail-agent.api-key")

    result = await device.run("report", CREDENTIALS_DIRECTORY=str(folder))

    assert (result.code, server.received[0].credential) == (os.EX_OK, API_KEY)


async def test_options_may_stand_before_the_command_and_after_it(device: Device, server: ReportServer) -> None:
    device.configure(UNUSED_PORT_URL)
    config = str(device.config)

    before = await device.run("--config", config, "--set", f"server.url={server.url}", "report", "--once")
    after = await device.run("report", "--config", config, "--set", f"server.url={server.url}")

    assert (before.code, after.code) == (os.EX_OK, os.EX_OK)


async def test_what_a_server_says_cannot_forge_lines_of_the_log(device: Device, server: ReportServer) -> None:
    server.answer = refusing(400, detail="no\n<0>forged \x1b[31m")

    result = await device.run("report")

    assert result.stderr == "firmtrail-agent: main: no <0>forged ?[31m (400, made_up, request r1)\n"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["report", "--faster"], ["report", "--onc"]])
async def test_wrong_usage_has_a_code_of_its_own(device: Device, arguments: list[str]) -> None:
    assert (await device.run(*arguments)).code == os.EX_USAGE


async def test_a_bad_configuration_stops_every_command_with_its_place(device: Device) -> None:
    device.config.write_text("[server]\nulr = 'http://h'\n")

    for command in ("report", "run", "version"):
        result = await device.run(command)

        assert result.code == os.EX_CONFIG
        assert f"{device.config}, line 2: there is no setting server.ulr" in result.stderr


async def test_versions_are_shown_without_a_server(device: Device) -> None:
    device.config.unlink()
    device.write("/etc/os-release", "IMAGE_VERSION=7\n")
    device.write("/proc/sys/kernel/osrelease", "6.1.0\n")

    result = await device.run("version")

    assert result.stdout == "COMPONENT  VERSION\nmain       7\nkernel     6.1.0\n"


async def test_an_explanation_shows_what_each_source_said(device: Device) -> None:
    device.config.unlink()
    device.write("/etc/os-release", "NAME=x\n")
    device.write("/proc/sys/kernel/osrelease", "6.1.0\n")

    lines = (await device.run("version", "--explain")).stdout.splitlines()

    said = {line.split()[0]: line.split(maxsplit=3)[1:] for line in lines if "not here" not in line}
    assert said["main"] == [
        "-",
        "os-release",
        f"failed    {device.root}/etc/os-release names no IMAGE_VERSION, VERSION_ID or BUILD_ID",
    ]
    assert said["kernel"] == ["6.1.0", "kernel", f"found     {device.root}/proc/sys/kernel/osrelease"]
    absent = f"bios - dmi not here there is no {device.root}/sys/class/dmi/id/bios_version"
    assert absent.split() in [line.split() for line in lines]


async def test_a_good_configuration_is_called_good(device: Device) -> None:
    result = await device.run("check-config")

    assert result.stdout.startswith(f"ok: device {DEVICE_ID} reports to http://127.0.0.1:")
    assert result.code == os.EX_OK


async def test_every_problem_of_a_configuration_is_shown(device: Device) -> None:
    device.config.write_text("[server]\nurl = 3\n[report]\ninterval_seconds = 1\n[device]\nid = 1\n")

    result = await device.run("check-config")

    *problems, about_the_key = result.stdout.splitlines()
    assert [problem.partition(" must ")[0].rpartition(": ")[2] for problem in problems] == [
        "server.url",
        "report.interval_seconds",
        "device.id",
    ]
    assert about_the_key.startswith("There is no API key")
    assert result.code == os.EX_CONFIG


@pytest.mark.parametrize("command", [["check-config"], ["config", "show"], ["report"]])
async def test_what_would_command_a_terminal_is_not_repeated_as_it_is(device: Device, command: list[str]) -> None:
    device.config.write_text('"\\u001b[2J\\u009b" = 3\n')

    result = await device.run(*command)

    assert "there is no setting ?[2J?" in result.stdout + result.stderr
    assert "\x1b" not in result.stdout + result.stderr


async def test_a_refused_key_is_a_problem_of_the_configuration_too(device: Device) -> None:
    device.key_file.write_text(f"{SECRET}\n")

    result = await device.run("check-config")

    assert "must hold one line" in result.stdout
    assert result.code == os.EX_NOPERM


async def test_a_proxy_of_the_environment_that_is_none_is_a_bad_configuration(device: Device) -> None:
    result = await device.run("report", HTTP_PROXY="ftp://user:neverShow@h")

    assert (result.code, "HTTP_PROXY" in result.stderr) == (os.EX_CONFIG, True)
    assert "neverShow" not in result.stderr
