"""What a verb is, and the arguments that several verbs take. To add a verb, add a few lines to its noun's file."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import attrs

import firmtrail
from firmtrail.errors import FirmtrailError
from firmtrail_contract import Violation
from firmtrail_contract.moments import parse_moment


class UsageError(FirmtrailError):
    """The command says too little, or what contradicts itself."""


class RowsRefused(FirmtrailError):
    """Rows of an import were refused; the others are done."""


@attrs.frozen
class Argument:
    """An argument of a verb, as argparse has it."""

    name: str
    about: str
    how: Mapping[str, Any] = attrs.field(factory=dict[str, Any])


@attrs.frozen
class Verb:
    """What one command does with a client and its arguments, and what is shown of a list that it gives."""

    name: str
    about: str
    run: Callable[[Any, Any], Any]
    arguments: Sequence[Argument] = ()
    columns: Sequence[str] = ()
    #: completes the question "Shall this ... ?"; empty: nobody is asked
    destroys: str = ""
    #: makes the client that `run` gets
    client: Callable[[argparse.Namespace], AbstractContextManager[Any]] = attrs.field(
        default=lambda _: firmtrail.Client()
    )

    def add_to(self, commands: Any) -> None:
        command = commands.add_parser(self.name, help=self.about, description=self.about)
        for argument in (*self.arguments, *([_YES] if self.destroys else []), _JSON, _QUIET):
            command.add_argument(argument.name, help=argument.about, **argument.how)
        command.set_defaults(verb=self)


def positional(name: str, about: str, **how: Any) -> Argument:
    return Argument(name, about, how)


def option(name: str, about: str, **how: Any) -> Argument:
    return Argument(f"--{name}", about, how)


def flag(name: str, about: str) -> Argument:
    return Argument(f"--{name}", about, {"action": "store_true"})


def later(text: str) -> dt.datetime:
    """A moment, also as a time from now on: 30d, 12h."""
    return _moment(text, 1)


def earlier(text: str) -> dt.datetime:
    """A moment, also as a time until now: 7d, 1h."""
    return _moment(text, -1)


def as_of(text: str) -> dt.date:
    """A date, which means its end in UTC, or a moment, also as a time until now: 7d, 1h."""
    try:
        return dt.date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else earlier(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date such as 2026-05-03") from None


def _moment(text: str, direction: int) -> dt.datetime:
    try:
        if length := re.fullmatch(r"([0-9]{1,6})([dh])", text):
            hours = int(length[1]) * (24 if length[2] == "d" else 1)
            return dt.datetime.now(dt.UTC) + direction * dt.timedelta(hours=hours)
        return parse_moment(text)
    except (Violation, OverflowError):
        raise argparse.ArgumentTypeError("must be such as 2026-05-03T12:00:00Z, 30d or 12h") from None


def label_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE, one or several."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise UsageError(f"A label is KEY=VALUE, such as site=berlin, and not {wrong[0]!r}.")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


_JSON = flag("json", "JSON, a document a line")
_QUIET = Argument("-q", "only the id, or of what is secret the secret", {"dest": "quiet", "action": "store_true"})
_YES = flag("yes", "do not ask whether it is meant")

LABEL = option("label", "KEY=VALUE; may be given again", action="append", default=[], metavar="KEY=VALUE")
KEY_LABEL = option("label", "what it is for, in your words", default="")
EXPIRES = option("expires", "a moment, or such as 30d or 12h from now", type=later, metavar="WHEN")
AT = option("at", "as of this date (its end in UTC) or moment, or such as 7d ago; now, if left out", type=as_of)
LIMIT = option("limit", "the most to list", type=int, metavar="N")
OVERLAP = option("overlap", "for how many seconds the old key still works", type=int, metavar="SECONDS")
