"""What a verb is, and the arguments that several verbs take. To add a verb, add a few lines to its noun's file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any, cast

import attrs

import firmtrail
from firmtrail.cli.moments import day_or_moment, later, seconds
from firmtrail.cli.screen import Screen
from firmtrail.errors import FirmtrailError
from firmtrail_contract import VersionScheme


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
    #: a shell completes it as the name of a file
    is_file: bool = False


@attrs.frozen
class Column:
    """A column of a table: an attribute of each item, or of what is in it: `rule.component`."""

    name: str
    #: above the column; else the name
    heading: str = ""
    is_number: bool = False
    #: left out where a terminal is too narrow
    is_optional: bool = False
    #: writes the value in a table, if it takes more than its text; CSV has the value itself
    draw: Callable[[Any, Screen], str] | None = None

    @property
    def title(self) -> str:
        return self.heading or self.key.replace("_", " ")

    @property
    def key(self) -> str:
        """What CSV calls it."""
        return self.name.rpartition(".")[2]

    def of(self, item: Any) -> Any:
        try:
            return attrgetter(self.name)(item)
        except AttributeError:
            known = ", ".join(attrs.fields_dict(cast("type[Any]", type(item))))
        raise UsageError(f"There is no column {self.name!r}; there are: {known}.")


def _columns(given: Iterable[str | Column]) -> Sequence[Column]:
    return [Column(one) if isinstance(one, str) else one for one in given]


def _items(result: Any) -> Iterable[Any]:
    return getattr(result, "items", result)


def _no_remark(_: Any) -> str:
    return ""


@attrs.frozen
class Verb:
    """What one command does with a client and its arguments, and what is shown of a list that it gives."""

    name: str
    about: str
    run: Callable[[Any, Any], Any]
    arguments: Sequence[Argument] = ()
    #: of a list: what its table and its CSV have
    columns: Sequence[Column] = attrs.field(default=(), converter=_columns)
    #: the items of a list
    rows: Callable[[Any], Iterable[Any]] = _items
    #: lines that are shown instead of a table
    view: Callable[[Any, Screen], Iterable[str]] | None = None
    #: what standard error says after the result
    remark: Callable[[Any], str] = _no_remark
    #: completes the question "Shall this ... ?"; empty: nobody is asked
    destroys: str = ""
    #: makes the client that `run` gets
    client: Callable[[argparse.Namespace], AbstractContextManager[Any]] = attrs.field(
        default=lambda options: firmtrail.Client(options.url, profile=options.profile)
    )
    #: whole commands, without `firmtrail`
    examples: Sequence[str] = attrs.field(kw_only=True)

    def all_arguments(self) -> Sequence[Argument]:
        """Its own, and those that follow from what it gives."""
        of_list = [_CSV, _COLUMNS] if self.columns else []
        return [*self.arguments, *([YES] if self.destroys else []), _JSON, *of_list, _QUIET]


def positional(name: str, about: str, **how: Any) -> Argument:
    return Argument(name, about, how)


def option(name: str, about: str, *, choices: Sequence[str] | None = None, **how: Any) -> Argument:
    if choices is not None:
        how["choices"] = [*map(str, choices)]  # argparse shows the repr of what is no plain text
    return Argument(f"--{name}", about, how)


def flag(name: str, about: str) -> Argument:
    return Argument(f"--{name}", about, {"action": "store_true"})


def since(default: str) -> Argument:
    """Where a stretch of time begins."""
    about = f"from here on: {DATES}; a date means its beginning; {default}, if left out"
    return option("since", about, type=day_or_moment, metavar="WHEN")


def column_names(text: str) -> Sequence[str]:
    """Read `name,id`."""
    return [name.strip() for name in text.split(",")]


def label_filter(text: str) -> dict[str, str | None]:
    """Read `site=berlin,rack`: each label, or any value of it."""
    pairs = (part.partition("=") for part in text.split(","))
    return {key: value if equals else None for key, equals, value in pairs}


def label_pairs(pairs: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE, one or several."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise UsageError(f"A label is KEY=VALUE, such as site=berlin, and not {wrong[0]!r}.")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


_JSON = flag("json", "JSON, a document a line")
_CSV = flag("csv", "CSV with a header; a cell that begins with = + - @ gets an apostrophe, so that it is no formula")
_QUIET = Argument(
    "-q", "only the id or version, or of what is secret the secret", {"dest": "quiet", "action": "store_true"}
)
_COLUMNS = option("columns", "which ones: name,id; of the table, or of the JSON", type=column_names, metavar="NAMES")
YES = flag("yes", "do not ask whether it is meant")

EMAIL = positional("email", "your e-mail address; asked for, if left out", nargs="?", metavar="EMAIL")
LABEL = option("label", "KEY=VALUE; may be given again", action="append", default=[], metavar="KEY=VALUE")
KEY_LABEL = option("label", "what it is for, in your words", default="")
EXPIRY = "30d or 12h from now, or a moment; a date means its end in UTC"
EXPIRES = option("expires", f"{EXPIRY}; never, if left out", type=later, metavar="WHEN")
LABELS = option("labels", "devices with these labels today: site=berlin,rack", type=label_filter)
SCHEME = option(
    "scheme", "how versions are ordered; what they look like decides, if left out", choices=[*VersionScheme]
)
DATES = "a date, 2026-05-03T12:00:00Z, today, yesterday (of UTC), 7d or 2h ago"
AT = option(
    "at",
    f"what was in force at this moment: {DATES}; a date means its end in UTC",
    type=day_or_moment,
    metavar="WHEN",
)
FROM_DATE = "a date means its beginning in UTC"
UNTIL = option("until", "up to here; a date means its end; now, if left out", type=day_or_moment, metavar="WHEN")
LIMIT = option("limit", "the most to list", type=int, metavar="N")
OVERLAP = option("overlap", "for how long the old key still works: 2h, 7d or 0", type=seconds, metavar="TIME")
