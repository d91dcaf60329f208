"""`firmtrail export`."""

from __future__ import annotations

import sys
from typing import Any

import firmtrail
from firmtrail.cli.moments import day_or_moment
from firmtrail.cli.names import project_id
from firmtrail.cli.texts import counted
from firmtrail.cli.verbs import AT, DATES, LABELS, Argument, Verb, flag, option
from firmtrail.errors import ConfigError

_SINCE = Argument(
    "--since",
    f"in force here or later: {DATES}; a date means its beginning in UTC",
    {"type": day_or_moment, "metavar": "WHEN"},
)
_UNTIL = option("until", "in force here or before; a date means its end in UTC", type=day_or_moment, metavar="WHEN")


def _export(client: firmtrail.Client, options: Any) -> None:
    try:
        if options.follow:
            _follow(client, options)
            return
        done = _written(client, options)
    except OSError as error:
        reason = error.strerror
    else:
        over = _OVER if sys.stderr.isatty() else ""
        sys.stderr.write(f"{over}firmtrail: {counted(done.rows, 'row')} in {options.file}{_position(done)}\n")
        return
    raise ConfigError(f"{options.file} cannot be written: {reason}.")


def _position(done: firmtrail.ExportProgress) -> str:
    return "" if done.feed_number is None else f"; changes since: firmtrail changes --after {done.feed_number}"


def _follow(client: firmtrail.Client, options: Any) -> None:
    """Write until it is interrupted."""
    alone = [f"--{name.replace('_', '-')}" for name in _NOT_FOLLOWED if getattr(options, name)]
    if alone:
        raise ConfigError(f"--follow goes on by itself with every period: leave {', '.join(alone)} out.")
    followed = client.firmware_history.follow(
        options.file,
        project_id(client, options),
        component=options.component,
        labels=options.labels,
        progress=_show if sys.stderr.isatty() else None,
    )
    for _ in followed:
        pass


def _written(client: firmtrail.Client, options: Any) -> firmtrail.ExportProgress:
    return client.firmware_history.write(
        options.file,
        project_id(client, options),
        component=options.component,
        labels=options.labels,
        since=options.since,
        until=options.until,
        at=options.at,
        resumable=not options.one_moment,
        resume=options.resume,
        progress=_show if sys.stderr.isatty() else None,
    )


_NOT_FOLLOWED = ("since", "until", "at", "one_moment", "resume")
#: the beginning of the line, and what was written there before
_OVER = "\r\033[K"


def _show(progress: firmtrail.ExportProgress) -> None:
    share = "" if progress.share is None else f"{progress.share:4.0%}, "
    sys.stderr.write(f"{_OVER}firmtrail: {share}{counted(progress.rows, 'row')}")
    sys.stderr.flush()


VERBS = [
    Verb(
        "export",
        "write every version period of a project into a file: *.ndjson or *.csv, each also with .gz or .zst, *.parquet "
        "or *.arrow. It goes on by itself after a cut, is verified, and has its name once it is whole",
        _export,
        [
            Argument("file", "its name says the format", {"metavar": "FILE"}, is_file=True),
            option("component", "of this component alone"),
            LABELS,
            _SINCE,
            _UNTIL,
            AT,
            flag("resume", "go on with FILE.part, which an export that was ended has left; of text alone"),
            flag(
                "follow",
                "then append every change of the feed, until it is interrupted; the same command goes on after that; "
                "of *.ndjson alone",
            ),
            flag("one-moment", "all rows of one moment, in no order; a cut means again"),
        ],
        examples=[
            "export history.csv.gz",
            "export history.ndjson --since 2026-01-01 --labels site=berlin",
            "export history.ndjson --resume",
            "export history.ndjson --follow",
            "export today.parquet --at today --one-moment",
        ],
    )
]
