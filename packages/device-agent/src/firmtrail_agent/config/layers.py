"""Where settings are given, each layer over the one before: files, the environment, the command line.

What a value must be is none of this file's business: see configuration.py.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from firmtrail_agent.config.toml_lines import line_of
from firmtrail_agent.system.rooted_path import RootedPath, real_path
from firmtrail_agent.validation.suggestions import nearest, tables_of

PREFIX = "FIRMTRAIL_AGENT_"
SYSTEM_FILES = ("usr/lib/firmtrail-agent/config.toml", "etc/firmtrail-agent/config.toml")
DROP_INS = "etc/firmtrail-agent/config.d"
#: as systemd has it: a link to it stands for a file without a setting
_NOTHING = "/dev/null"
_NAME = re.compile(r"[^.].*\.toml", re.DOTALL)
_OTHERS_WRITE = 0o022
#: a variable of our prefix that the systemd unit sets and that is no setting
_NO_SETTINGS = frozenset({f"{PREFIX}BOOT_ID"})


@attrs.frozen(kw_only=True)
class Given:
    """A value as it was given, and where; `place` also takes the path of something inside the value."""

    value: Any
    place: Callable[..., str]


@attrs.frozen(kw_only=True)
class Layers:
    """What was asked for at the start: which files, variables and command-line settings count."""

    environment: Mapping[str, str]
    #: `KEY=VALUE`
    settings: Sequence[str] = ()
    #: stands in for the system's files
    file: Path | None = None
    root: Path = Path("/")


def gather(layers: Layers, known: Sequence[str], problems: list[str]) -> dict[str, Given]:
    """Collect the last value given for each known key. Everything else that was given becomes a problem."""
    given: dict[str, Given] = {}
    for name, value in _all(layers, known, problems):
        if name in known:
            given[name] = value
        elif name in tables_of(known):
            problems.append(f"{value.place()}: {name} must be a table, headed [{name}]")
        else:
            problems.append(f"{value.place()}: there is no setting {name}{_suggestion(name, known)}")
    return given


def open_to_others(layers: Layers) -> list[str]:
    """Name the files and directories of the configuration that others may write: a source in it may run any command."""
    files = [file for file in _files(layers, []) if file.exists()]
    drop_ins = [] if layers.file else _resolved(layers.root, DROP_INS, [])
    places = [place for file in files for place in (file.parent.parent, file.parent, file)] + drop_ins
    return [
        problem
        for place in dict.fromkeys(places)
        if place != layers.root and (problem := _open_to_others(place, may_grow=place not in drop_ins))
    ]


def variable(name: str) -> str:
    """Name the environment variable of a key."""
    return PREFIX + name.upper().replace(".", "_")


def _open_to_others(place: Path, *, may_grow: bool) -> str | None:
    """Say who may change a place. `may_grow`: others may add files there, if the sticky bit guards those that count."""
    try:
        status = place.stat()
    except OSError:
        return None
    if may_grow and status.st_mode & stat.S_ISVTX:
        return None
    what = "change the configuration, and run commands as the agent by it"
    if status.st_uid not in {0, os.geteuid()}:
        return f"{place}: belongs to user {status.st_uid}, who may {what}. Run: chown root {place}"
    if status.st_mode & _OTHERS_WRITE:
        return f"{place}: others may {what}. Run: chmod go-w {place}"
    return None


def _all(layers: Layers, known: Sequence[str], problems: list[str]) -> Iterator[tuple[str, Given]]:
    for file in _files(layers, problems):
        yield from _from_file(file, known, problems, required=file == layers.file)
    yield from _from_environment(layers.environment, known, problems)
    yield from _from_command_line(layers.settings, problems)


def _files(layers: Layers, problems: list[str]) -> list[Path]:
    if layers.file:
        return [layers.file]
    files = [file for name in SYSTEM_FILES for file in _resolved(layers.root, name, problems)]
    return [*files, *_drop_ins(layers.root, problems)]


def _drop_ins(root: Path, problems: list[str]) -> list[Path]:
    names: list[str] = []
    for directory in _resolved(root, DROP_INS, problems):
        try:
            names = sorted(file.name for file in directory.iterdir())  # glob keeps silent about errors
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{directory}: cannot be read: {error.strerror}")
    matching = [f"{DROP_INS}/{name}" for name in names if _NAME.fullmatch(name)]
    return [file for name in matching for file in _resolved(root, name, problems)]


def _resolved(root: Path, name: str, problems: list[str]) -> list[Path]:
    """Follow the links of a file that may be missing, to one path, or to none if they go in a circle.

    One that is a link to nothing was meant to be there.
    """
    file = RootedPath(root, name)
    try:
        file.stat()
    except FileNotFoundError:
        if (target := _target(file)) not in {None, _NOTHING}:
            problems.append(f"{file}: is a link to {target}, which is not there")
    except OSError as error:
        if error.errno == errno.ELOOP:
            problems.append(f"{file}: cannot be read: {error.strerror}")
            return []
        # whoever reads it says why
    return [real_path(root, name)]


def _target(file: RootedPath) -> str | None:
    """Read where a link leads; None: it is no link."""
    try:
        return str((file.parent.real() / file.name).readlink())
    except OSError:
        return None


def _from_file(file: Path, known: Sequence[str], problems: list[str], *, required: bool) -> Iterator[tuple[str, Given]]:
    try:
        text = _content(file).decode("utf-8-sig")
        values = tomllib.loads(text)
    except FileNotFoundError:
        if required:
            problems.append(f"{file}: there is no such file")
    except OSError as error:
        problems.append(f"{file}: cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.append(f"{file}, line {line}: is not UTF-8 text")
    except (ValueError, RecursionError) as error:  # tomllib raises them for what Python is too small for
        problems.append(f"{file}: is not valid TOML: {error}")
    else:
        for path, value in _flattened(values, tables_of(known)):
            yield ".".join(path), Given(value=value, place=partial(_place, file, text, *path))


def _content(file: Path) -> bytes:
    """Read a file whole, and never wait for the other end of a pipe."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) and file != Path(_NOTHING):
            raise OSError(errno.EINVAL, "it is no regular file")
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read()
    finally:
        os.close(descriptor)


def _flattened(values: Mapping[str, Any], tables: set[str], *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path; only the tables that hold settings are entered, any other is itself what is wrong."""
    for name, value in values.items():
        path = (*above, name)
        if isinstance(value, dict) and ".".join(path) in tables:
            yield from _flattened(value, tables, *path)  # pyright: ignore[reportUnknownArgumentType]  TOML: str to Any
        else:
            yield path, value


def _place(file: Path, text: str, *path: str | int) -> str:
    line = line_of(text, *path)
    return f"{file}, line {line}" if line else str(file)


def _from_environment(
    environment: Mapping[str, str], known: Sequence[str], problems: list[str]
) -> Iterator[tuple[str, Given]]:
    names = {variable(name): name for name in known}
    for key in sorted(environment):
        if not key.startswith(PREFIX) or key in _NO_SETTINGS or not environment[key]:
            continue
        if key in names:
            yield names[key], Given(value=_typed(environment[key]), place=_always(key))
        else:
            problems.append(f"{key}: there is no such variable{_suggestion(key, tuple(names))}")


def _from_command_line(settings: Sequence[str], problems: list[str]) -> Iterator[tuple[str, Given]]:
    for setting in settings:
        name, equals, text = setting.partition("=")
        if equals:
            yield name, Given(value=_typed(text), place=_always(f"--set {name}"))
        else:
            problems.append("--set: takes KEY=VALUE, such as report.interval_seconds=600")


def _typed(text: str) -> Any:
    """Outside of TOML all values are texts; what looks like a number is meant as one."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else text


def _always(place: str) -> Callable[..., str]:
    return lambda *_: place


def _suggestion(name: str, known: Sequence[str]) -> str:
    meant = nearest(name, known)
    return f"; did you mean {meant}?" if meant else ""
