"""Values as text: for people in a table, for programs in a cell of CSV."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from firmtrail_contract import (
    DeviceAgent,
    FieldError,
    JoinedProject,
    RunningVersion,
    SourceFailure,
    VersionPeriod,
    format_moment,
)


def visible(text: str) -> str:
    """Keep what a server sent from moving the cursor or worse."""
    return text if text.isprintable() else repr(text)[1:-1]


def shown(value: Any) -> str:
    """Write a value for people, safe for their terminal."""
    return visible(_joined(value))


def csv_cell(value: Any) -> str:
    """Write a value for programs: moments in RFC 3339, numbers as they are; no formula for a spreadsheet to run."""
    match value:
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return format_moment(value)
        case int() | float():
            return str(value)
        case _:
            text = _joined(value)
            return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def duration(seconds: float) -> str:
    """Write a length of time by its two largest units, such as `3d 4h`."""
    left, parts = round(seconds), list[str]()
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _joined(value: Any) -> str:
    match value:
        case list():
            return "; ".join(_joined(one) for one in cast("list[Any]", value))
        case dict():
            return ",".join(f"{key}={_joined(one)}" for key, one in cast("dict[str, Any]", value).items())
        case _:
            return _named(value)


def _named(value: Any) -> str:
    match value:
        case FieldError():
            return f"{value.pointer} {value.detail}"
        case VersionPeriod() | RunningVersion():
            return f"{value.component} {value.version}"
        case SourceFailure():
            return f"{value.component}: {value.error} ({value.source}, since {_word(value.failing_since)})"
        case DeviceAgent():
            return _agent(value)
        case JoinedProject():
            return f"{value.name} ({value.role}, {value.id})"
        case _:
            return _word(value)


def _agent(agent: DeviceAgent) -> str:
    """Say the version, and what is wrong."""
    wrong = [*map(_joined, agent.sources), *([agent.spool_error] if agent.spool_error else [])]
    return f"{agent.version} {agent.health}{': ' if wrong else ''}{'; '.join(wrong)}"


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%SZ}" if isinstance(value, dt.datetime) else str(value)
