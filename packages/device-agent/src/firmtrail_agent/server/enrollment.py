"""How this device gets an API key of its own, and replaces it, so that a power cut at any moment locks it out never."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import attrs

from firmtrail import (
    AuthenticationError,
    FirmtrailError,
    IssuedDeviceApiKey,
    NotSentError,
    ProblemCode,
)
from firmtrail_agent.config.configuration import BadConfiguration, Configuration, Server
from firmtrail_agent.config.credentials import Credential
from firmtrail_agent.server.client import open_connection
from firmtrail_agent.server.failures import EXIT_CODES, Failure, Trouble, failure_of
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity, IdentityDamaged
from firmtrail_agent.system import directories, log
from firmtrail_agent.system.directories import InUse

_CONFLICT = 409
_UNKNOWN = (
    "The answer got lost, so the server may know this device now. Run it again; if it is refused then, "
    'use an enrollment key made with on_known "replace_keys".'
)
_LOST = (
    "The server has given this device a new API key, which is lost, and may have ended the one from before. See to the "
    'disk, then run firmtrail-agent enroll --again with an enrollment key made with on_known "replace_keys".'
)
_STILL_WORKS = "It holds a key that works: see to the disk, then run firmtrail-agent rotate-key."


class NotEnrolled(Exception):
    """It did not work; the message says what to do, the code is one of sysexits.h."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@attrs.frozen(kw_only=True)
class Applicant:
    """What the device says of itself."""

    name: str
    fingerprint: str


async def enroll(server: Server, enrollment_key: str, applicant: Applicant, file: Path) -> Identity:
    """Register this device and store its own key.

    Raises:
        NotEnrolled: the server refuses, or cannot be reached, or the key could not be stored.
        InUse: another process does it just now.
    """
    async with _room_for(file):
        try:
            async with open_connection(server, enrollment_key) as connection:
                enrolled = await connection.call(
                    lambda client: client.enrollment.enroll(applicant.name, applicant.fingerprint)
                )
        except FirmtrailError as error:
            raise _not_enrolled(error) from None
        issued = enrolled.api_key
        mine = Identity(device_id=enrolled.device.id, api_key=_text(issued), issued_at=issued.created_at)
        await _store(file, mine, or_else=_LOST)
        return mine


async def rotate(server: Server, file: Path) -> Identity:
    """Replace the device's key: get a new one, store it beside the old one, and give the old one up with the new one.

    Whatever is interrupted, the file holds a key that works; what is not finished is finished by the next time.

    Raises:
        NotEnrolled: there is no key to replace, or as of `enroll`.
        InUse: another process does it just now.
    """
    async with _room_for(file):
        mine = identity.read(file)
        if mine is None:
            raise NotEnrolled("This device has no API key of its own: run firmtrail-agent enroll.", os.EX_CONFIG)
        try:
            return await _rotated(server, mine, file)
        except FirmtrailError as error:
            raise _failed(failure_of(error)) from None


async def working_key(chosen: Configuration, refused: Credential) -> Credential | None:
    """Find out which of the two keys works that an interrupted rotation has left, after one of them was refused.

    None: there are no two, or none of them has been shown to work.
    """
    file = chosen.identity_file
    if file is None or refused.file != file:
        return None
    with suppress(InUse, IdentityDamaged, BadConfiguration, FirmtrailError), _held(file):
        mine = identity.read(file)
        if mine is None or mine.previous_api_key is None:
            return None
        settled = await _settled(chosen, mine)
        with suppress(NotEnrolled):  # a full disk is no reason to report nothing
            await _store(file, settled, or_else=_STILL_WORKS)
        if settled.api_key != mine.api_key:
            log.warning("the server does not know the newer API key of this device; the older one is used from now on")
        return Credential(api_key=settled.api_key, file=file)
    return None


async def _rotated(server: Server, mine: Identity, file: Path) -> Identity:
    if mine.previous_api_key is not None:
        newer, mine = mine.api_key, await _settled(server, mine)
        await _store(file, mine, or_else=_STILL_WORKS)
        if mine.api_key == newer:
            return mine
    mine = await _with_new_key(server, mine)
    await _store(file, mine, or_else=_STILL_WORKS)
    mine = await _confirmed(server, mine)
    await _store(file, mine, or_else=_STILL_WORKS)
    return mine


async def _with_new_key(server: Server, mine: Identity) -> Identity:
    key_id = _key_id(mine.api_key)
    async with open_connection(server, mine.api_key) as connection:
        issued = await connection.call(lambda client: client.device_api_keys.rotate(mine.device_id, key_id))
    return attrs.evolve(mine, api_key=_text(issued), previous_api_key=mine.api_key, issued_at=issued.created_at)


async def _settled(server: Server, mine: Identity) -> Identity:
    """Keep of two keys the newer one, or where the server says that it does not know that one, the older one.

    None is given up before the other one has been shown to work; a 401 of something in between shows nothing.
    """
    try:
        return await _confirmed(server, mine)
    except AuthenticationError as error:
        if error.code is not ProblemCode.UNAUTHENTICATED:
            raise
        return await _confirmed(server, attrs.evolve(mine, api_key=mine.previous_api_key, issued_at=None))


async def _confirmed(server: Server, mine: Identity) -> Identity:
    """Show that the key works, by which the other one ends."""
    key_id = _key_id(mine.api_key)
    async with open_connection(server, mine.api_key) as connection:
        await connection.call(lambda client: client.device_api_keys.confirm(mine.device_id, key_id))
    return attrs.evolve(mine, previous_api_key=None)


@asynccontextmanager
async def _room_for(file: Path) -> AsyncGenerator[None]:
    """See that what comes can be stored, before anything is asked for, and keep others from it meanwhile."""
    with _held(file) as lock:
        if lock is None:
            message = (
                f"{file.parent} cannot be written: run this as root, and see that its disk is not full or read-only."
            )
            raise NotEnrolled(message, os.EX_CANTCREAT)
        try:
            await _written(lambda: identity.make_room(file), file, or_else="The server was asked for nothing.")
            yield
        finally:
            with suppress(OSError):
                identity.give_up_room(file)


@contextmanager
def _held(file: Path) -> Generator[int | None]:
    lock = directories.hold(file.parent)
    try:
        yield lock
    finally:
        if lock is not None:
            os.close(lock)


async def _store(file: Path, mine: Identity, *, or_else: str) -> None:
    await _written(lambda: identity.write(file, mine), file, or_else=or_else)


async def _written(work: Callable[[], None], file: Path, *, or_else: str) -> None:
    try:
        await asyncio.to_thread(work)  # a slow disk must not stop the daemon's event loop
    except OSError as error:
        raise NotEnrolled(f"{file} cannot be written: {error.strerror}. {or_else}", os.EX_CANTCREAT) from None


def _not_enrolled(error: FirmtrailError) -> NotEnrolled:
    failure = failure_of(error)
    if failure.status is None and not isinstance(error, NotSentError) and failure.trouble is Trouble.TEMPORARY:
        return NotEnrolled(f"{failure.message} {_UNKNOWN}", os.EX_TEMPFAIL)
    return _failed(failure)


def _failed(failure: Failure) -> NotEnrolled:
    if failure.status == _CONFLICT and not failure.is_foreign:
        return NotEnrolled(failure.message, os.EX_DATAERR)  # the server knows why, and the device is not to blame
    return NotEnrolled(f"{failure.trouble}: {failure.message}", EXIT_CODES[failure.trouble])


def _text(issued: IssuedDeviceApiKey) -> str:
    return f"{issued.id}:{issued.secret}"


def _key_id(api_key: str) -> str:
    return api_key.partition(":")[0]
