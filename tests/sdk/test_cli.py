"""`firmtrail` against the real server: in this process, or as one of its own for signals and pipes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

from firmtrail.cli import importing, main
from tests.sdk.conftest import MisbehavingServer, dripping
from tests.served import Server
from tests.server.conftest import Demo

ADA = "ada@example.com"
PASSWORD = "correct horse battery"


@attrs.frozen
class Shell:
    """Somewhere to type commands."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    home: Path

    @property
    def profiles(self) -> Path:
        return self.home / ".config" / "firmtrail" / "config.toml"

    async def __call__(self, *arguments: str, told: str | bytes = b"", code: int = 0) -> str:
        """Run one command, whose exit code must be this; give what it wrote, or of a failure its error."""
        content = told.encode() if isinstance(told, str) else told
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        found = await asyncio.to_thread(_ended, arguments)
        output, errors = self.capsys.readouterr()
        assert (found, "Traceback" in errors) == (code, False), errors
        return errors if code else output

    async def one(self, *arguments: str, told: str = "") -> dict[str, Any]:
        return json.loads(await self(*arguments, "--json", told=told))


def _ended(arguments: tuple[str, ...]) -> int | str | None:
    try:
        return main(arguments)
    except SystemExit as ended:  # argparse's way
        return ended.code


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    for name in [name for name in os.environ if name.startswith(("FIRMTRAIL_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return Shell(monkeypatch, capsys, tmp_path)


@pytest.fixture
async def ada(shell: Shell, server: Server) -> Shell:
    """A shell with Ada logged in, and her project Pumps."""
    url = server.url
    await shell("sign-up", ADA, "--name", "Ada", "--url", url, told=f"{PASSWORD}\n")
    await shell("login", ADA, "--url", url, told=f"{PASSWORD}\n")
    await shell("projects", "create", "Pumps")
    shell.monkeypatch.setenv("FIRMTRAIL_PROJECT", "Pumps")
    return shell


@pytest.fixture
def keyed(shell: Shell, server: Server, demo: Demo) -> Shell:
    """A shell with the demo project's API key."""
    shell.monkeypatch.setenv("FIRMTRAIL_URL", server.url)
    shell.monkeypatch.setenv("FIRMTRAIL_API_KEY", ":".join(demo.project_key))
    shell.monkeypatch.setenv("FIRMTRAIL_PROJECT", demo.project_id)
    return shell


async def test_who_logs_in_is_known_until_they_log_out(ada: Shell) -> None:
    assert (await ada.one("whoami"))["email"] == ADA
    assert stat.S_IMODE(ada.profiles.stat().st_mode) == 0o600

    await ada("logout")

    assert "firmtrail login" in await ada("whoami", code=78)
    assert "access_token" not in ada.profiles.read_text()


async def test_a_login_keeps_the_other_profiles_and_never_replaces_an_api_key(ada: Shell) -> None:
    other = {"url": "http://127.0.0.1:1", "api_key": 'id:"se\\cret\x7f', "auth": "basic"}
    lines = [f"{key} = {json.dumps(value).replace(chr(127), chr(92) + 'u007f')}" for key, value in other.items()]
    ada.profiles.write_text(ada.profiles.read_text() + "\n".join(["[profiles.'other one']", *lines, ""]))
    url = tomllib.loads(ada.profiles.read_text())["profiles"]["default"]["url"]

    await ada("login", "--url", url, told=f"{ADA}\n{PASSWORD}\n")
    ada.monkeypatch.setenv("FIRMTRAIL_PROFILE", "other one")
    refused = await ada("login", ADA, "--url", url, told=f"{PASSWORD}\n", code=78)

    assert "FIRMTRAIL_PROFILE" in refused
    assert tomllib.loads(ada.profiles.read_text())["profiles"]["other one"] == other
    assert [file.name for file in ada.profiles.parent.iterdir()] == ["config.toml"]


async def test_a_wrong_password_is_refused_and_shown_nowhere(ada: Shell) -> None:
    kept = ada.profiles.read_text()

    said = await ada("login", ADA, told="another password\n", code=1)

    assert ("another password" in said, ada.profiles.read_text() == kept) == (False, True)
    assert "nothing was given" in await ada("login", ADA, told="", code=2)


async def test_a_project_is_named_by_id_or_name_and_lives_until_it_is_deleted(ada: Shell) -> None:
    project = await ada.one("projects", "show", "Pumps")
    await ada("projects", "rename", project["id"], "Valves")

    assert "add --yes" in await ada("projects", "delete", "Valves", code=2)
    assert "no project called 'Pumps'" in await ada("projects", "show", "Pumps", code=1)
    assert await ada("projects", "list", "-q") == f"{project['id']}\n"
    await ada("projects", "delete", "Valves", "--yes")
    assert await ada("projects", "list", "--json") == ""


async def test_a_member_is_invited_raised_and_removed(ada: Shell, server: Server) -> None:
    secret = await ada("invitations", "create", "viewer", "-q")
    ada.monkeypatch.setenv("FIRMTRAIL_PROFILE", "ben")
    url = server.url
    await ada("sign-up", "ben@example.com", "--name", "Ben", "--url", url, "--invitation", told=f"{PASSWORD}\n{secret}")
    await ada("login", "ben@example.com", "--url", url, told=f"{PASSWORD}\n")
    invited = await ada.one("projects", "list")
    ada.monkeypatch.delenv("FIRMTRAIL_PROFILE")

    raised = await ada.one("members", "set-role", "ben@example.com", "editor")
    table = await ada("members", "list")
    await ada("members", "remove", "ben@example.com", "--yes")

    assert (invited["role"], raised["role"]) == ("viewer", "editor")
    assert sorted(line.split()[1] for line in table.splitlines()) == ["Ada", "Ben", "id"]
    assert len((await ada("members", "list", "-q")).splitlines()) == 1


async def test_an_invitation_is_listed_revoked_and_then_worth_nothing(ada: Shell) -> None:
    invitation = await ada.one("invitations", "create", "viewer", "--email", "cleo@example.com", "--expires", "2d")

    listed = await ada("invitations", "list", "-q")
    await ada("invitations", "revoke", invitation["id"])

    assert listed == f"{invitation['id']}\n"
    assert await ada("invitations", "list", "--json") == ""
    await ada("invitations", "accept", told=invitation["secret"], code=1)


async def test_the_keys_of_a_project_are_made_rotated_and_deleted(ada: Shell) -> None:
    shown = await ada("keys", "create", "viewer", "--label", "dashboard")
    first = dict(line.split(maxsplit=1) for line in shown.splitlines() if line.split()[1:])["id"]
    second = await ada("keys", "rotate", first, "--overlap", "0", "-q")

    listed = await ada("keys", "list")
    await ada("keys", "delete", second.partition(":")[0], "--yes")

    assert ("dashboard" in shown, second.partition(":")[0] in listed) == (True, True)
    assert second.partition(":")[0] not in await ada("keys", "list", "-q")


async def test_a_device_is_registered_reports_and_is_found_by_what_it_runs(ada: Shell) -> None:
    device = await ada.one("devices", "create", "pump-1", "--label", "site=berlin", "--label", "line=3")
    await ada("devices", "label", "pump-1", "site=bonn", "--remove", "line")
    await ada("devices", "rename", "pump-1", "pump-one")
    key = await ada("device-keys", "create", "pump-one", "-q")
    with ada.monkeypatch.context() as patched:
        patched.setenv("FIRMTRAIL_URL", tomllib.loads(ada.profiles.read_text())["profiles"]["default"]["url"])
        patched.setenv("FIRMTRAIL_API_KEY", key.strip())
        await ada("report", device["id"], "1.4.2")

    table = await ada("devices", "list", "--version", "1.4.2", "--labels", "site=bonn", "--two-machines", "false")

    assert [line.split()[:3] for line in table.splitlines()][1:] == [[device["id"], "pump-one", "site=bonn"]]
    assert (await ada.one("history", "pump-one"))["version"] == "1.4.2"
    assert "firmware" in await ada("devices", "show", "pump-one")
    assert await ada("devices", "list", "--reported-from", "1h", "--created-before", "2000-01-01T00:00:00Z", "-q") == ""


async def test_the_keys_of_a_device_end_one_by_one_or_with_it(ada: Shell) -> None:
    await ada("devices", "create", "pump-1")
    first = await ada.one("device-keys", "create", "pump-1", "--expires", "30d")
    second = await ada.one("device-keys", "rotate", "pump-1", first["id"], "--overlap", "0")
    listed = await ada("device-keys", "list", "pump-1", "-q")
    await ada("device-keys", "delete", "pump-1", second["id"], "--yes")
    await ada("devices", "retire", "pump-1")
    retired = await ada("devices", "list", "--state", "retired", "-q")
    await ada("devices", "restore", "pump-1")

    await ada("devices", "delete", "pump-1", "--yes")

    assert listed == f"{second['id']}\n"
    assert len(retired.splitlines()) == 1
    assert "no device called 'pump-1'" in await ada("devices", "show", "pump-1", code=1)


async def test_enrollment_keys_are_made_listed_and_deleted(ada: Shell) -> None:
    made = await ada.one("enrollment-keys", "create", "--expires", "30d", "--max-uses", "5", "--device-label", "lot=7")

    table = await ada("enrollment-keys", "list")
    await ada("enrollment-keys", "delete", made["id"], "--yes")

    assert "lot=7" in table
    assert made["secret"] not in table
    assert await ada("enrollment-keys", "list", "--json") == ""


async def test_the_audit_trail_is_filtered(ada: Shell) -> None:
    device = await ada.one("devices", "create", "pump-1")
    await ada("devices", "retire", "pump-1")

    event = await ada.one("audit", "--action", "device.created", "--target", device["id"], "--limit", "1")

    assert (event["actor_name"], event["target_name"]) == ("Ada", "pump-1")


async def test_a_table_is_imported_in_pieces_that_each_have_its_header(
    keyed: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importing, "_MAX_ROWS", 2)
    table = tmp_path / "devices.csv"
    table.write_text("﻿name,labels.site\r\n\r\na,x\r\nb,x\r\n\r\nc,x\r\n,x\r\ne,x\r\n", encoding="utf-8")

    said = await keyed("devices", "import", str(table), code=65)

    assert "5 rows: 4 created, 0 known, 1 refused" in said
    assert len((await keyed("devices", "list", "--labels", "site=x", "-q")).splitlines()) == 4


async def test_refused_rows_are_shown_with_their_numbers_in_the_whole_table(
    keyed: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    keyed.monkeypatch.setattr(importing, "_MAX_BYTES", 40)
    rows = b'{"name": "pump-1"}\n{"name": ""}\n{"name": "pump-3"}\nno JSON\n'
    keyed.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows)))

    code = await asyncio.to_thread(main, ["devices", "import", "-", "--ndjson", "--dry-run", "--json"])

    output, errors = capsys.readouterr()
    refused = [json.loads(line) for line in output.splitlines()]
    assert (code, [row["row"] for row in refused]) == (65, [2, 4])
    assert "nothing was changed" in errors
    assert await keyed("devices", "list", "--name", "pump-3", "-q") == ""


async def test_a_table_larger_than_a_server_takes_at_once_is_imported(keyed: Shell, tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    table.write_text("name\n" + f"{'x' * 1_000_000}\n" * 5)

    assert "5 rows: 0 created, 0 known, 5 refused" in await keyed("devices", "import", str(table), "-q", code=65)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", 1, "The first line must name each column once"),
        (b"name\n\xff\n", 78, "it is not UTF-8"),
        (None, 78, "cannot be read: No such file"),
    ],
    ids=["empty", "no UTF-8", "no file"],
)
async def test_a_file_that_is_no_table_is_one_sentence(
    keyed: Shell, tmp_path: Path, content: bytes | None, code: int, said: str
) -> None:
    table = tmp_path / "devices.csv"
    if content is not None:
        table.write_bytes(content)

    assert said in await keyed("devices", "import", str(table), code=code)


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["devices", "list"], {"FIRMTRAIL_PROJECT": ""}, 2, "Say which project"),
        (["projects", "list"], {"FIRMTRAIL_URL": "http://127.0.0.1:9"}, 69, "Cannot reach"),
        (["projects", "list"], {"FIRMTRAIL_URL": ""}, 78, "set FIRMTRAIL_URL"),
        (["devices", "create", ""], {}, 1, "/name must have at least 1 character"),
        (["devices", "create", "pump-1", "--label", "site"], {}, 2, "A label is KEY=VALUE"),
        (["audit", "--since", "yesterday"], {}, 2, "must be such as 2026-05-03T12:00:00Z, 30d or 12h"),
        (["projects", "frobnicate"], {}, 2, "invalid choice"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(
    keyed: Shell, arguments: list[str], environment: dict[str, str], code: int, said: str
) -> None:
    for name, value in environment.items():
        keyed.monkeypatch.setenv(name, value)

    errors = await keyed(*arguments, code=code)

    assert said in errors
    assert os.environ["FIRMTRAIL_API_KEY"].partition(":")[2] not in errors


async def test_a_reader_that_has_seen_enough_is_no_error(keyed: Shell) -> None:
    inner = f"{sys.executable} -m firmtrail.cli devices list --json"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{{ {inner}; echo $? >&2; }} | true", stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()

    assert errors == b"0\n"


async def test_a_password_is_typed_unseen_and_deleting_is_asked_about(ada: Shell) -> None:
    arguments = (sys.executable, "-m", "firmtrail.cli")

    login, shown = await typed((*arguments, "login", ADA), [(b"Password: ", PASSWORD)])
    no, _ = await typed((*arguments, "projects", "delete", "Pumps"), [(b"[y/N]: ", "n")])
    kept = await ada("projects", "list", "-q")
    yes, _ = await typed((*arguments, "projects", "delete", "Pumps"), [(b"[y/N]: ", "y")])

    assert (login, PASSWORD in shown, no, kept != "", yes) == (0, False, 2, True, 0)
    assert await ada("projects", "list", "-q") == ""


async def typed(command: tuple[str, ...], answers: list[tuple[bytes, str]]) -> tuple[int, str]:
    """Run a command on a terminal, and type each answer when it is asked for."""
    terminal, its_end = os.openpty()
    process = await asyncio.create_subprocess_exec(*command, stdin=its_end, stderr=its_end, start_new_session=True)
    os.close(its_end)
    shown = b""
    for question, answer in answers:
        while not shown.endswith(question):
            shown += await asyncio.to_thread(os.read, terminal, 1_000)
        os.write(terminal, f"{answer}\n".encode())
    code = await process.wait()
    shown += await asyncio.to_thread(os.read, terminal, 1_000)
    os.close(terminal)
    return code, shown.decode()


async def test_an_interrupt_is_130(misbehaving: MisbehavingServer, tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await dripping(writer)

    misbehaving.behaviours = [hold]
    own = {"HOME": str(tmp_path), "FIRMTRAIL_URL": misbehaving.url, "FIRMTRAIL_API_KEY": "id:secret"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmtrail.cli", "projects", "list"),
        env={**os.environ, **own, "FIRMTRAIL_AUTH": "basic"},
        stderr=asyncio.subprocess.PIPE,
    )
    await arrived.wait()
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()

    assert (process.returncode, errors) == (130, b"")
