"""Standard input, output and error that are closed, full or read by nobody: no command does anything else."""

from __future__ import annotations

import pytest

from tests.agent.support.device import Device, ended

CODES = {
    "version": 0,
    "report --dry-run": 0,
    "config show": 0,
    "spool list --json": 0,
    "--help": 0,
    "doctor": 1,
    "status": 3,
    "nonsense": 64,
    "report --set server.url=http://127.0.0.1:9": 69,
}
CLOSED = "os.close({})"
GONE = "reader, writer = os.pipe(); os.close(reader); os.dup2(writer, {})"
FULL = "os.dup2(os.open('/dev/full', os.O_WRONLY), {})"


def agent_with(stream: str, number: int) -> str:
    """The agent, one of whose streams is not as it should be."""
    become = "os.execv(sys.executable, [sys.executable, '-m', 'firmtrail_agent', *sys.argv[1:]])"
    return f"import os, sys; {stream.format(number)}; {become}"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("stream", [CLOSED, GONE], ids=["closed", "gone"])
async def test_a_command_that_nobody_listens_to_ends_as_ever(device: Device, stream: str, number: int) -> None:
    for command, code in CODES.items():
        result = await ended(await device.start(*command.split(), program=agent_with(stream, number)))

        assert (command, result.code) == (command, code)
        assert "Traceback" not in result.stderr


async def test_what_cannot_be_printed_is_an_error_that_hides_no_graver_one(device: Device) -> None:
    for command, code in CODES.items():
        result = await ended(await device.start(*command.split(), program=agent_with(FULL, 1)))

        assert (command, result.code) == (command, code or 73)
        assert "Traceback" not in result.stderr
        if not code:
            assert result.stderr.endswith("standard output cannot be written: No space left on device\n")


async def test_a_log_that_cannot_be_written_keeps_no_command_from_its_end(device: Device) -> None:
    for command, code in CODES.items():
        result = await ended(await device.start(*command.split(), program=agent_with(FULL, 2)))

        assert (command, result.code) == (command, code)


async def test_what_is_printed_goes_past_an_error_that_nobody_reads(device: Device) -> None:
    result = await ended(await device.start("report", "--dry-run", program=agent_with(CLOSED, 2)))

    assert "main       1.4.2" in result.stdout


@pytest.mark.parametrize(
    "stream", [CLOSED, "os.dup2(os.open('/dev/null', os.O_WRONLY), {})"], ids=["closed", "no input"]
)
async def test_an_enrollment_key_from_an_input_that_cannot_be_read_is_told_so(device: Device, stream: str) -> None:
    result = await ended(await device.start("enroll", "--fingerprint", "x", program=agent_with(stream, 0)))

    assert result.code == 77
    assert result.stderr.startswith("firmtrail-agent: standard input ")
    assert result.stderr.count("\n") == 1
