"""One round of reporting: each version that was read goes to the server, and each component gets its own result."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import uuid
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from firmtrail_agent.configuration import Configuration
from firmtrail_agent.credentials import Credential
from firmtrail_agent.sources import Reading, read_all

if TYPE_CHECKING:  # the SDK takes a tenth of a second to import: only what talks to the server waits for it
    from firmtrail import AsyncClient, FirmtrailError

_LONGEST_MESSAGE = 400
_FIRST_SERVER_ERROR = 500
_NO_TOKENS = (
    "The server gives no access tokens: it is an older Firmtrail server, or none. "
    'For an older one set server.auth to "basic".'
)


class Trouble(StrEnum):
    """Why a version did not get to the server, by what has to happen next; the gravest first."""

    #: 401, 403: another API key
    CREDENTIALS = "credentials refused"
    #: the server does not know the device, or is no Firmtrail server: another configuration
    CONFIGURATION = "wrong server or device"
    #: a connection
    NOT_REACHABLE = "server not reachable"
    #: time
    TEMPORARY = "temporary failure"
    #: 400, 413, 422: another version; it is about this component alone
    REJECTED = "rejected"


_EXIT_CODES = {
    Trouble.CREDENTIALS: os.EX_NOPERM,
    Trouble.CONFIGURATION: os.EX_CONFIG,
    Trouble.NOT_REACHABLE: os.EX_UNAVAILABLE,
    Trouble.TEMPORARY: os.EX_TEMPFAIL,
    Trouble.REJECTED: os.EX_DATAERR,
}


@attrs.frozen(kw_only=True)
class Failure:
    """Why the server did not take a version."""

    trouble: Trouble
    message: str
    retry_after_seconds: float | None = None


@attrs.frozen(kw_only=True)
class Result:
    """What became of one component. Without `outcome` and `failure` there was no version to send."""

    reading: Reading
    #: what the server made of the report: `opened`, `extended` or `known`
    outcome: str | None = None
    failure: Failure | None = None

    @property
    def error(self) -> str | None:
        """Say what went wrong, at the source or on the way."""
        return self.failure.message if self.failure else self.reading.error


def open_client(configuration: Configuration, credential: Credential) -> AsyncClient:
    """Make the client that reports for this device."""
    from firmtrail import AsyncClient  # noqa: PLC0415  see above

    return AsyncClient(configuration.server_url, api_key=credential.api_key, auth=configuration.auth)


async def report_once(configuration: Configuration, credential: Credential, root: Path) -> list[Result]:
    """Open a client for a single round."""
    async with open_client(configuration, credential) as client:
        return await report_round(client, configuration, root)


async def report_round(client: AsyncClient, configuration: Configuration, root: Path) -> list[Result]:
    """Ask all sources now, off the event loop since a broken disk may take its time, and report what they say."""
    readings = await asyncio.to_thread(read_all, configuration.sources, root)
    present = [reading for reading in readings if not reading.is_absent]
    return await report_all(client, configuration.device_id, present, observed_at=dt.datetime.now(dt.UTC))


async def report_all(
    client: AsyncClient, device_id: uuid.UUID, readings: Sequence[Reading], *, observed_at: dt.datetime
) -> list[Result]:
    """Report every version that was read, one after the other; what fails for the whole server is not tried again."""
    results: list[Result] = []
    general: Failure | None = None
    for reading in readings:
        if reading.version is None:
            results.append(Result(reading=reading))
        elif general:
            results.append(Result(reading=reading, failure=general))
        else:
            results.append(await _report(client, device_id, reading, reading.version, observed_at))
            general = _unless_rejected(results[-1].failure)
    return results


def gravest(results: Sequence[Result]) -> Failure | None:
    """Choose the failure that decides what happens next."""
    failures = {result.failure.trouble: result.failure for result in results if result.failure}
    return next((failures[trouble] for trouble in Trouble if trouble in failures), None)


def exit_code(results: Sequence[Result]) -> int:
    """Sum up a round in a code of sysexits.h; it is a success only if a version of every component was taken."""
    if failure := gravest(results):
        return _EXIT_CODES[failure.trouble]
    return os.EX_OK if results and not any(result.error for result in results) else os.EX_DATAERR


async def _report(
    client: AsyncClient, device_id: uuid.UUID, reading: Reading, version: str, observed_at: dt.datetime
) -> Result:
    from firmtrail import FirmtrailError  # noqa: PLC0415  see above

    try:
        receipt = await client.firmware.report(device_id, version, component=reading.component, observed_at=observed_at)
    except FirmtrailError as error:
        return Result(reading=reading, failure=_failure(error))
    return Result(reading=reading, outcome=str(receipt.outcome))


def _unless_rejected(failure: Failure | None) -> Failure | None:
    return failure if failure and failure.trouble is not Trouble.REJECTED else None


def _failure(error: FirmtrailError) -> Failure:
    from firmtrail import ApiError, ConfigError, NotSentError  # noqa: PLC0415  see above

    if isinstance(error, ApiError):
        return Failure(trouble=_trouble(error.status), message=_one_line(error), retry_after_seconds=error.retry_after)
    if isinstance(error, ConfigError):  # the only one that shows when a report is sent
        return Failure(trouble=Trouble.CONFIGURATION, message=_NO_TOKENS)
    trouble = Trouble.NOT_REACHABLE if isinstance(error, NotSentError) else Trouble.TEMPORARY
    return Failure(trouble=trouble, message=_one_line(error))


def _trouble(status: int | None) -> Trouble:
    if status is None or status in {400, 413, 422}:
        return Trouble.REJECTED
    if status in {401, 403}:
        return Trouble.CREDENTIALS
    if status in {408, 425, 429} or status >= _FIRST_SERVER_ERROR:
        return Trouble.TEMPORARY
    return Trouble.CONFIGURATION


def _one_line(error: Exception) -> str:
    """Make a message, part of which a server wrote, safe for a log and for systemd's status."""
    text = " ".join(str(error).split())
    return "".join(character if character.isprintable() else "?" for character in text)[:_LONGEST_MESSAGE]
