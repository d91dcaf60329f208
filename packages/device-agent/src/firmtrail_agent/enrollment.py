"""How this device gets an API key of its own, and replaces it, so that a power cut at any moment locks it out never."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import attrs

from firmtrail import (
    AsyncClient,
    AuthenticationError,
    ConflictError,
    FirmtrailError,
    IssuedDeviceApiKey,
    NotSentError,
)
from firmtrail_agent import directories, identity
from firmtrail_agent.clients import open_client
from firmtrail_agent.configuration import Server
from firmtrail_agent.failures import EXIT_CODES, Failure, Trouble, failure_of
from firmtrail_agent.identity import Identity

_KNOWN = (
    "The server knows a device of this name or this hardware, and this enrollment key does not replace its keys. "
    'Use one made with on_known "replace_keys", delete the device there, or give another --name and --fingerprint.'
)
_UNKNOWN = (
    "The answer got lost, so the server may know this device now. Run it again; if it is refused then, "
    'use an enrollment key made with on_known "replace_keys".'
)


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
    lock = _hold(file)
    try:
        async with _client(server, enrollment_key) as client:
            enrolled = await client.enrollment.enroll(applicant.name, applicant.fingerprint)
    except ConflictError:
        raise NotEnrolled(_KNOWN, os.EX_DATAERR) from None
    except FirmtrailError as error:
        raise _not_enrolled(error) from None
    else:
        issued = enrolled.api_key
        mine = Identity(device_id=enrolled.device.id, api_key=_text(issued), issued_at=issued.created_at)
        await _store(file, mine)
        return mine
    finally:
        os.close(lock)


async def rotate(server: Server, file: Path) -> Identity:
    """Replace the device's key: get a new one, store it beside the old one, and give the old one up with the new one.

    Whatever is interrupted, the file holds a key that works; what is not finished is finished by the next time.

    Raises:
        NotEnrolled: there is no key to replace, or as of `enroll`.
        InUse: another process does it just now.
    """
    lock = _hold(file)
    try:
        mine = identity.read(file)
        if mine is None:
            raise NotEnrolled("This device has no API key of its own: run firmtrail-agent enroll.", os.EX_CONFIG)
        if mine.previous_api_key is None:
            mine = await _with_new_key(server, mine)
            await _store(file, mine)
        return await _confirmed(server, mine, file)
    except FirmtrailError as error:
        raise _failed(failure_of(error)) from None
    finally:
        os.close(lock)


async def _with_new_key(server: Server, mine: Identity) -> Identity:
    async with _client(server, mine.api_key) as client:
        issued = await client.device_api_keys.rotate(mine.device_id, _key_id(mine.api_key))
    return attrs.evolve(mine, api_key=_text(issued), previous_api_key=mine.api_key, issued_at=issued.created_at)


async def _confirmed(server: Server, mine: Identity, file: Path) -> Identity:
    try:
        async with _client(server, mine.api_key) as client:
            await client.device_api_keys.confirm(mine.device_id, _key_id(mine.api_key))
    except AuthenticationError:
        await _store(file, attrs.evolve(mine, api_key=mine.previous_api_key, previous_api_key=None, issued_at=None))
        raise
    mine = attrs.evolve(mine, previous_api_key=None)
    await _store(file, mine)
    return mine


def _client(server: Server, api_key: str) -> AsyncClient:
    return open_client(server, api_key, auth="basic")


def _hold(file: Path) -> int:
    """See that what comes can be stored, before anything is asked for."""
    lock = directories.hold(file.parent)
    if lock is None:
        raise NotEnrolled(f"{file.parent} cannot be written: run this as root.", os.EX_CANTCREAT)
    return lock


async def _store(file: Path, mine: Identity) -> None:
    try:
        await asyncio.to_thread(identity.write, file, mine)  # a slow disk must not stop the daemon's event loop
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}. The key in it is the one from before."
        raise NotEnrolled(message, os.EX_CANTCREAT) from None


def _not_enrolled(error: FirmtrailError) -> NotEnrolled:
    failure = failure_of(error)
    if failure.status is None and not isinstance(error, NotSentError) and failure.trouble is Trouble.TEMPORARY:
        return NotEnrolled(f"{failure.message} {_UNKNOWN}", os.EX_TEMPFAIL)
    return _failed(failure)


def _failed(failure: Failure) -> NotEnrolled:
    return NotEnrolled(f"{failure.trouble}: {failure.message}", EXIT_CODES[failure.trouble])


def _text(issued: IssuedDeviceApiKey) -> str:
    return f"{issued.id}:{issued.secret}"


def _key_id(api_key: str) -> str:
    return api_key.partition(":")[0]
