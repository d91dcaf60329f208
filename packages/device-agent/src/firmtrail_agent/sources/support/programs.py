"""Running a program of the device without trusting it: its time and output are bounded, its process group ends."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import attrs

from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from firmtrail_agent.sources.support.files import as_text, below, real_path
from firmtrail_agent.system.rooted_path import RootedPath
from firmtrail_agent.validation.redact import visible

TIMEOUT_SECONDS = 5
DIRECTORIES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
#: nothing of the agent's own: no credentials, no socket of the service manager
ENVIRONMENT = {"PATH": ":".join(DIRECTORIES), "LC_ALL": "C.UTF-8"}
#: of what it says on stderr, the end is kept; the last line of it goes into the error
_MAX_COMPLAINT = 1024
_LONGEST_COMPLAINT_SHOWN = 200
#: a program may end without closing its output, if it has left a child behind: so its end is looked for now and then
_LOOK_EVERY_SECONDS = 0.05
_CHUNK = 64 * 1024


@attrs.frozen
class Program:
    """A program with its arguments. `argv[0]` is what it is called, maybe a link; `file` is what that leads to."""

    argv: Sequence[str]
    file: str


class ProgramFailed(SourceFailed):
    """A program that ended with an error, and all that it said."""

    def __init__(self, why: str, *, output: str, complaints: str) -> None:
        super().__init__(why)
        self.output = output
        self.complaints = complaints


def program_at(place: RootedPath, arguments: Sequence[str]) -> Program:
    """Make a program of its place, or raise SourceAbsent or SourceFailed."""
    return Program([str(place), *arguments], str(real_path(place)))


def located(root: Path, command: Sequence[str]) -> Program:
    """Find a program by its name where systems keep programs.

    Raises:
        SourceAbsent: it is nowhere there.
    """
    for directory in DIRECTORIES:
        with suppress(SourceAbsent, SourceFailed):
            program = program_at(below(root, directory) / command[0], command[1:])
            if os.access(program.file, os.X_OK):
                return program
    raise SourceAbsent(f"there is no program {command[0]}")


def output_of(
    program: Program,
    *,
    max_bytes: int,
    timeout_seconds: float = TIMEOUT_SECONDS,
    given: bytes = b"",
    disbelieved_if_it_says: str | None = None,
) -> str:
    """Run a program to its end, with `given` as its input, and return all that it prints.

    When this returns or raises, the program and its process group are killed, whatever they were doing. What it says
    on stderr does not matter, except for words after which its output is not to be believed.

    Raises:
        SourceAbsent: there is no such file.
        ProgramFailed: it ended with an error.
        SourceFailed: it cannot be run, took too long, or printed too much.
    """
    name = program.argv[0]
    process = _started(program, given)
    try:
        said = _Said(name, max_bytes)
        said.listen(process, timeout_seconds)
    finally:
        _end(process)
    if process.returncode != 0:
        complaint = said.complaint(also_on_stdout=process.returncode > 0)
        why = f"{name} {_how_it_ended(process.returncode)}{complaint}"
        raise ProgramFailed(why, output=as_text(bytes(said.output)), complaints=said.complaints())
    if disbelieved_if_it_says and disbelieved_if_it_says in said.complaints():
        raise SourceFailed(f"{name} does not print what is there{said.complaint()}")
    return as_text(bytes(said.output))


def _started(program: Program, given: bytes) -> subprocess.Popen[bytes]:
    name = program.argv[0]
    try:
        process = subprocess.Popen(  # noqa: S603  what to run is the configuration's decision; no shell is between
            program.argv,
            executable=program.file,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.lexists(program.file):
            raise SourceAbsent(f"there is no {name}") from None
        raise SourceFailed(f"{name} cannot be run: the interpreter that it names is missing") from None
    except OSError as error:
        raise SourceFailed(f"{name} cannot be run: {error.strerror}") from None
    assert process.stdin
    with suppress(BrokenPipeError):  # it need not read
        process.stdin.write(given)
        process.stdin.close()
    return process


class _Said:
    """What a program has said until now."""

    def __init__(self, name: str, max_bytes: int) -> None:
        self._name = name
        self._max_bytes = max_bytes
        self.output = bytearray()
        self._complaints = bytearray()

    def listen(self, process: subprocess.Popen[bytes], timeout_seconds: float) -> None:
        """Take what it prints until it ends, however long some child of it keeps the pipes open."""
        deadline = time.monotonic() + timeout_seconds
        assert process.stdout
        assert process.stderr
        with selectors.DefaultSelector() as selector:
            for stream, take in ((process.stdout, self._take_output), (process.stderr, self._take_complaints)):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, take)
            while True:
                has_ended = _has_ended(process)  # before the last look at the pipes: what was printed by now is there
                for key in list(selector.get_map().values()):
                    if not key.data(key.fd):
                        selector.unregister(key.fileobj)
                if has_ended:
                    return
                if (left := deadline - time.monotonic()) <= 0:
                    raise SourceFailed(f"{self._name} did not end within {timeout_seconds:g} s and was killed")
                selector.select(min(left, _LOOK_EVERY_SECONDS))

    def _take_output(self, descriptor: int) -> bool:
        """Take all that is there; tell whether more may come."""
        while chunk := _read(descriptor):
            self.output += chunk
            if len(self.output) > self._max_bytes:
                raise SourceFailed(f"{self._name} printed more than {self._max_bytes} bytes and was killed")
        return chunk is None

    def _take_complaints(self, descriptor: int) -> bool:
        """Take a chunk and keep its end; it must not be a reason to listen for ever."""
        chunk = _read(descriptor)
        self._complaints = (self._complaints + (chunk or b""))[-_MAX_COMPLAINT:]
        return chunk != b""

    def complaints(self) -> str:
        return self._complaints.decode(errors="replace")

    def complaint(self, *, also_on_stdout: bool = False) -> str:
        """Make the last line fit for the end of an error; some programs complain on stdout."""
        complaints = self.complaints().strip()
        if also_on_stdout and not complaints:
            complaints = self.output.decode(errors="replace")
        lines = complaints.split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {visible(last)[:_LONGEST_COMPLAINT_SHOWN]}" if last else ""


def _read(descriptor: int) -> bytes | None:
    """Read what is there: None when there is nothing now, b"" when there will be nothing any more."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look without burying it: as long as it is not buried, its number cannot become another process group's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # a program with rights of its own is not ours to kill
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # one that hangs in the kernel dies when the kernel lets it
        process.wait(1)
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream
        with suppress(BrokenPipeError):
            stream.close()


def _how_it_ended(returncode: int | None) -> str:
    if returncode is None:
        return "cannot be killed"
    if returncode < 0:
        return f"was killed by signal {-returncode}"
    return f"failed with exit code {returncode}"
