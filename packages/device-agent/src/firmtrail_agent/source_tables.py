"""The `sources` of the configuration: "auto", or tables that each become a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import attrs

from firmtrail_agent import values
from firmtrail_agent.layers import Given, nearest
from firmtrail_agent.sources import BY_TYPE, Source

#: what the fields of the sources' classes may be
_CHECKS: Mapping[str, Callable[[Any], Any]] = {"component": values.component, "path": values.absolute_path}


def read_sources(given: Given, problems: list[str]) -> Sequence[Source] | None:
    """Make the sources that were asked for; None stands for "auto". What is wrong becomes a problem."""
    value: Any = given.value
    tables = cast("list[Any]", value) if isinstance(value, list) else []
    if value == "auto":
        return None
    if not tables:
        problems.append(f'{given.place()}: sources must be "auto" or tables, each headed [[sources]]')
        return None
    sources: list[Source] = []
    for index, table in enumerate(tables):
        place = partial(given.place, index)
        source = _source(table, place, problems)
        if source and source.component in {other.component for other in sources}:
            problems.append(f"{place()}: another source gives the version of {source.component} already")
        elif source:
            sources.append(source)
    return sources


def _source(table: Any, place: Callable[..., str], problems: list[str]) -> Source | None:
    settings: dict[str, Any] = dict(cast("Mapping[str, Any]", table)) if isinstance(table, dict) else {}
    kind = BY_TYPE.get(str(settings.pop("type", None)))
    if kind is None:
        problems.append(f"{place('type')}: the type of a source must be one of {', '.join(BY_TYPE)}")
        return None
    found = [*_wrong_keys(kind, settings, place), *_missing_keys(kind, settings, place)]
    problems.extend(found)
    return None if found else kind(**settings)


def _wrong_keys(kind: type[Source], settings: Mapping[str, Any], place: Callable[..., str]) -> list[str]:
    problems: list[str] = []
    names = tuple(_fields(kind))
    for name, value in settings.items():
        if name not in names:
            meant = nearest(name, names)
            hint = f"; did you mean {meant}?" if meant else ""
            problems.append(f"{place(name)}: a source of type {kind.type} has no setting {name}{hint}")
            continue
        try:
            _CHECKS[name](value)
        except values.Wrong as wrong:
            problems.append(f"{place(name)}: {name} must {wrong}")
    return problems


def _missing_keys(kind: type[Source], settings: Mapping[str, Any], place: Callable[..., str]) -> list[str]:
    return [
        f"{place()}: a source of type {kind.type} needs {name}"
        for name, field in _fields(kind).items()
        if field.default is attrs.NOTHING and name not in settings
    ]


def _fields(kind: type[Source]) -> Mapping[str, attrs.Attribute[Any]]:
    return attrs.fields_dict(cast("type[attrs.AttrsInstance]", kind))
