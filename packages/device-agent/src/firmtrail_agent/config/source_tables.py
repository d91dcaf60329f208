"""The `sources` of the configuration: "auto", or tables that each become a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import attrs

from firmtrail_agent.config.layers import Given
from firmtrail_agent.sources import Source
from firmtrail_agent.sources.engine.plugins import TypeRefused
from firmtrail_agent.sources.engine.registry import source_type
from firmtrail_agent.validation import values
from firmtrail_agent.validation.suggestions import nearest


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
    taken: set[str] = set()
    for index, table in enumerate(tables):
        place = partial(given.place, index)
        if (source := _source(table, place, problems)) is None:
            continue
        sources.append(source)
        problems.extend(f"{place()}: another source gives {what} already" for what in sorted(taken & _given_by(source)))
        taken |= _given_by(source)
    return sources


def _given_by(source: Source) -> set[str]:
    """Tell in words what a source is known to give before it is asked: some components, or all in a place."""
    may_choose, name = "components" in _fields(type(source)), source.component
    chosen: Any = getattr(source, "components", None) if may_choose else None
    if isinstance(chosen, dict):
        names = cast("Mapping[str, Any]", chosen).values()
        return {f"the version of {one}" for one in names if isinstance(one, str)}
    if may_choose and name == source.type:
        place = getattr(source, "path", None)
        return {f"the versions of {name} in {place}" if place else f"the versions of {name}"}
    return {f"the version of {name}"}


def _source(table: Any, place: Callable[..., str], problems: list[str]) -> Source | None:
    settings: dict[str, Any] = dict(cast("Mapping[str, Any]", table)) if isinstance(table, dict) else {}
    try:
        kind = source_type(str(settings.pop("type", None)))
    except TypeRefused as refusal:
        problems.append(f"{place('type')}: {refusal}")
        return None
    if found := [*_wrong_keys(kind, settings, place), *_missing_keys(kind, settings, place)]:
        problems.extend(found)
        return None
    try:
        source = kind(**settings)
        _require_sound(source)
    except ValueError as wrong:
        problems.append(f"{place()}: a source of type {kind.type} must {wrong}")
    except Exception as broken:  # noqa: BLE001  of a plug-in's class
        problems.append(f"{place()}: a source of type {kind.type} cannot be made of this: {broken!r}")
    else:
        return source
    return None


def _require_sound(source: Source) -> None:
    """Refuse what the validators of a plug-in should have refused."""
    try:
        values.component(source.component)
    except values.Wrong as wrong:
        raise values.Wrong(f"have a component, which must {wrong}") from None
    seconds: Any = getattr(source, "timeout_seconds", 0)
    if not (isinstance(seconds, int | float) and seconds >= 0):
        raise values.Wrong("have a number of seconds as timeout_seconds")


def _wrong_keys(kind: type[Source], settings: Mapping[str, Any], place: Callable[..., str]) -> Iterator[str]:
    fields = _fields(kind)
    for name, value in settings.items():
        if name not in fields:
            meant = nearest(name, tuple(fields))
            hint = f"; did you mean {meant}?" if meant else ""
            yield f"{place(name)}: a source of type {kind.type} has no setting {name}{hint}"
        elif validate := fields[name].validator:
            try:
                validate(None, fields[name], value)
            except ValueError as wrong:
                yield f"{place(name)}: {name} must {wrong}"
            except Exception:  # noqa: BLE001, S112  another kind of validator: it speaks when the source is made
                continue


def _missing_keys(kind: type[Source], settings: Mapping[str, Any], place: Callable[..., str]) -> Iterator[str]:
    for name, field in _fields(kind).items():
        if field.default is attrs.NOTHING and name not in settings:
            yield f"{place()}: a source of type {kind.type} needs {name}"


def _fields(kind: type[Source]) -> Mapping[str, attrs.Attribute[Any]]:
    return attrs.fields_dict(cast("type[attrs.AttrsInstance]", kind))
