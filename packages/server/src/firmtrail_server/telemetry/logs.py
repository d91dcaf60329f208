"""What the server says on stderr: text for people, or one JSON object a line (FIRMTRAIL_LOG_FORMAT=json).

What a line is about, such as the id of a request, is handed over beside its message: `extra=about(request_id=...)`.
No line has what the database says about rows: that may be anybody's e-mail address.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from enum import StrEnum
from types import TracebackType
from typing import Any

import psycopg

#: the logger of the sentences that the command says to whoever has started it
PROGRAM = "firmtrail-server"


class LogFormat(StrEnum):
    """How a line is written."""

    TEXT = "text"
    JSON = "json"


def set_up(log_format: str | None) -> None:
    """Write all logs to stderr, and what ends the process by surprise too. What is no format is text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format == LogFormat.JSON else _Text())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def about(**fields: Any) -> dict[str, Any]:
    """Make the argument `extra` of a logger's methods; what is None is left out."""
    return {"fields": {name: value for name, value in fields.items() if value is not None}}


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(PROGRAM).critical("This should not have happened.", exc_info=(kind, error, trace))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "fields", {})


def cause_of(error: BaseException) -> str | None:
    """Say in a line why an error came about, without its stack trace."""
    cause = error.__cause__
    return cause and f"{type(cause).__name__}: {' '.join(_without_rows(str(cause), cause).split())}"


def _without_rows(text: str, error: BaseException | None) -> str:
    """Leave of what a database has said, anywhere in a chain of errors, the first sentence."""
    while error is not None:
        if isinstance(error, psycopg.Error) and error.diag.message_primary:
            text = text.replace(str(error), error.diag.message_primary)
        error = error.__cause__ or error.__context__
    return text


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  the name is logging's
        return _without_rows(super().formatException(ei), ei[1])


class _Text(_Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is logging's
        if record.name == PROGRAM:
            return f"{PROGRAM}: {record.message}"
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        return f"{record.levelname} {record.name}: {record.message}" + (f" ({fields})" if fields else "")


class _Json(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            **_fields(record),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__qualname__
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
