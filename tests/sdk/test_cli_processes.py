"""`firmtrail` as a process of its own: pipes, terminals and signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tests.sdk.misbehaving import MisbehavingServer, answering, dripping
from tests.sdk.shell import ADA, PASSWORD, Shell


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
    no, _ = await typed((*arguments, "projects", "delete", "Pumps"), [(b"to go on: ", "Valves")])
    kept = await ada("projects", "list", "-q")
    yes, _ = await typed((*arguments, "projects", "delete", "Pumps"), [(b"to go on: ", "Pumps")])

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
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the jobs of a script ignore it, and what they start
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


async def test_an_error_of_the_server_commands_no_terminal(misbehaving: MisbehavingServer, tmp_path: Path) -> None:
    problem = {"code": "conflict", "title": "x", "status": 409, "detail": "no\x1b[2J\nforged", "request_id": "r"}
    misbehaving.behaviours = [answering(409, json.dumps(problem))]
    own = {"HOME": str(tmp_path), "FIRMTRAIL_URL": misbehaving.url, "FIRMTRAIL_API_KEY": "id:secret"}

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmtrail.cli", "projects", "list"),
        env={**os.environ, **own, "FIRMTRAIL_AUTH": "basic"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()

    assert b"forged" in errors
    assert (b"\x1b" in errors, errors.count(b"\n")) == (False, 1)
