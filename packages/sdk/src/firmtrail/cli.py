"""`firmtrail`: projects, members, devices and their history from a shell.

Each verb gives items, as a table or, with --json, as one JSON document a line.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from firmtrail._sync.client import Client
from firmtrail._version import __version__
from firmtrail.errors import ConfigError, CredentialsError, FirmtrailError, TransportError
from firmtrail.stored import to_json
from firmtrail_contract import DeviceImport, FieldError, ImportOutcome, VersionPeriod

DONE, REFUSED, USAGE, ROWS_REFUSED, UNREACHABLE, SETTINGS, INTERRUPTED = 0, 1, 2, 65, 69, 78, 130

Items = Iterable[Any]
#: rows of a table whose widths are worked out together, so that a long list is shown while it is read
_ROWS_AT_ONCE = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = _run(options)
        sys.stdout.flush()
    except (ConfigError, CredentialsError) as error:
        return _failed(error, SETTINGS)
    except TransportError as error:
        return _failed(error, UNREACHABLE)
    except FirmtrailError as error:
        return _failed(error, REFUSED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; Python must not complain about that when it ends either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def _run(options: argparse.Namespace) -> int:
    with Client() as client:
        items: Items = options.verb(client, options)
        _show(items, options.columns, as_json=options.json)
    return ROWS_REFUSED if isinstance(items, _ImportedRows) and items.has_refused else DONE


def _failed(error: FirmtrailError, code: int) -> int:
    sys.stderr.write(f"firmtrail: {error}\n")
    return code


class _ImportedRows(list[Any]):
    """What became of each row of an import."""

    def __init__(self, done: DeviceImport) -> None:
        super().__init__(done.rows)
        self.has_refused = any(row.outcome is ImportOutcome.REFUSED for row in done.rows)


def _import(client: Client, options: argparse.Namespace) -> Items:
    media: Literal["csv", "ndjson"] = "ndjson" if options.ndjson else "csv"
    rows = _content(options.file)
    return _ImportedRows(client.devices.import_rows(options.project_id, rows, media=media, dry_run=options.dry_run))


def _content(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    raise ConfigError(f"{file} cannot be read: {reason}.")


def _labels(pairs: Sequence[str]) -> dict[str, str]:
    labels = {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
    if not all("=" in pair for pair in pairs):
        raise ConfigError("--label takes KEY=VALUE, such as --label site=berlin.")
    return labels


_DEVICE = ("id", "name", "labels", "last_reported_at", "retired_at")
_PROJECT = ("id", "name", "created_at")
_FILTERS = ("name", "labels", "version", "component")
#: noun, verb, what it does, its arguments, its columns
_VERBS: list[tuple[str, str, str, Sequence[str], Sequence[str], Callable[[Client, Any], Items]]] = [
    ("projects", "list", "your projects", (), (*_PROJECT, "role"), lambda c, _: c.projects.list()),
    ("projects", "create", "make a project", ("name",), _PROJECT, lambda c, o: [c.projects.create(o.name)]),
    ("projects", "show", "a project", ("project_id",), _PROJECT, lambda c, o: [c.projects.get(o.project_id)]),
    (
        "projects",
        "rename",
        "rename a project",
        ("project_id", "name"),
        _PROJECT,
        lambda c, o: [c.projects.rename(o.project_id, o.name)],
    ),
    (
        "members",
        "list",
        "who may do what",
        ("project_id",),
        ("user_id", "name", "email", "role"),
        lambda c, o: c.members.list(o.project_id),
    ),
    (
        "devices",
        "list",
        "the devices of a project",
        ("project_id", *(f"--{name}" for name in _FILTERS)),
        _DEVICE,
        lambda c, o: c.devices.list(o.project_id, **{name: getattr(o, name) for name in _FILTERS}),
    ),
    (
        "devices",
        "create",
        "register a device",
        ("project_id", "name", "--label"),
        _DEVICE,
        lambda c, o: [c.devices.create(o.project_id, o.name, labels=_labels(o.label))],
    ),
    ("devices", "show", "a device", ("device_id",), (*_DEVICE, "firmware"), lambda c, o: [c.devices.get(o.device_id)]),
    (
        "devices",
        "retire",
        "take it out of service",
        ("device_id",),
        _DEVICE,
        lambda c, o: [c.devices.retire(o.device_id)],
    ),
    ("devices", "restore", "take it back", ("device_id",), _DEVICE, lambda c, o: [c.devices.restore(o.device_id)]),
    (
        "devices",
        "import",
        "register those of a table",
        ("project_id", "file", "--ndjson", "--dry-run"),
        ("row", "name", "outcome", "device_id", "errors"),
        _import,
    ),
    (
        "devices",
        "history",
        "what a device ran",
        ("device_id",),
        ("component", "version", "first_reported_at", "last_reported_at", "report_count"),
        lambda c, o: c.firmware.history(o.device_id),
    ),
    ("users", "me", "who you are", (), ("id", "email", "name"), lambda c, _: [c.users.me()]),
]
_HELP = {
    "file": "CSV in UTF-8; - is standard input",
    "--ndjson": "it is NDJSON",
    "--dry-run": "only say what would happen",
    "--label": "KEY=VALUE; may be given again",
    "--labels": "labels that it has: site=berlin,rack",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firmtrail", description="What every device runs, and what it ran.")
    parser.add_argument("--version", action="version", version=f"firmtrail {__version__}")
    nouns = parser.add_subparsers(metavar="NOUN", required=True)
    for noun, verbs in itertools.groupby(_VERBS, key=lambda one: one[0]):
        below = nouns.add_parser(noun).add_subparsers(metavar="VERB", required=True)
        for _, verb, about, arguments, columns, run in verbs:
            command = below.add_parser(verb, help=about)
            for name in arguments:
                command.add_argument(name, help=_HELP.get(name), **_kind(name))
            command.add_argument("--json", action="store_true", help="a JSON document a line")
            command.set_defaults(verb=run, columns=columns)
    return parser


def _kind(name: str) -> Mapping[str, Any]:
    if name == "--label":
        return {"action": "append", "default": []}
    return {"action": "store_true"} if name in {"--ndjson", "--dry-run"} else {}


def _show(items: Items, columns: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        for item in items:
            sys.stdout.write(f"{to_json(item)}\n")
        return
    shown, head = iter(items), [[name.replace("_", " ") for name in columns]]
    while some := list(itertools.islice(shown, _ROWS_AT_ONCE)):
        rows = head + [[_text(getattr(item, name)) for name in columns] for item in some]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write(f"{line.rstrip()}\n")
        head = []


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case FieldError():
            return f"{value.pointer} {value.detail}"
        case VersionPeriod():
            return f"{value.component} {value.version}"
        case dict():
            return ",".join(f"{key}={one}" for key, one in cast("dict[str, str]", value).items())
        case list():
            return "; ".join(_text(one) for one in cast("list[Any]", value))
        case _:
            return str(value)


if __name__ == "__main__":
    sys.exit(main())
