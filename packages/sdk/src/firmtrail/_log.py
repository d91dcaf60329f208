"""What the logger `firmtrail` says: each attempt (DEBUG), each repetition (INFO); no secret, body or query."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from firmtrail._calls import Answer, Call
from firmtrail.errors import FirmtrailError

logger = logging.getLogger("firmtrail")

#: The headers that are shown; of any other one, the name alone.
_SHOWN = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "host",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "via",
        "x-request-id",
    }
)


def shown_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Hide the value of every header that is not known to hold no secret."""
    return {name.lower(): value if name.lower() in _SHOWN else "[hidden]" for name, value in headers}


def log_attempt(call: Call, sent: Mapping[str, str], answer: Answer, seconds: float) -> None:
    """Say what was sent and what came back."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "%s %s: %d in %.0f ms, request %s; sent %s; got %s",
            call.method,
            call.path,
            answer.status,
            seconds * 1_000,
            answer.request_id,
            shown_headers(sent.items()),
            shown_headers(answer.headers.items()),
        )


def log_repetition(call: Call, failure: FirmtrailError, *, attempt: int, wait: float) -> None:
    """Say that an attempt failed and when the next one comes."""
    logger.info("%s %s, attempt %d: %s Next one in %.1f s.", call.method, call.path, attempt, failure, wait)
