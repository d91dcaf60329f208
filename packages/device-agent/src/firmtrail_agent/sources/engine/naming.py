"""From the names that a source has for its parts to the names of components."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from firmtrail_agent.sources.engine.source import Said, Unknown

MAX_LENGTH = 64
NAMELESS = "unnamed"
_MOST_NAMES_SHOWN = 8
#: so much of an id tells two parts of one name apart; where it does not, so much more does
_SHORT, _LONG = 8, 40


def component_name(name: str) -> str:
    """Make a component's name: lower case, one '-' for each run of characters that it cannot hold, 64 at most."""
    kept = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    return kept.strip("._-")[:MAX_LENGTH].rstrip("._-") or NAMELESS


@attrs.frozen(kw_only=True)
class Part:
    """Something a source speaks of: its names, the first of which makes the component, and what was said of it."""

    names: Sequence[str]
    said: Said


def by_component(parts: Iterable[Part], chosen: Mapping[str, str] | None) -> Iterator[Said]:
    """Name the component of each part, or, where the configuration has chosen some by name, of those alone."""
    known = list(parts)
    if chosen is None:
        yield from _each_named(known)
        return
    for name, component in chosen.items():
        named = [part for part in known if name in part.names]
        for part in named:
            yield attrs.evolve(part.said, component=component)
        if not named:
            yield Unknown(component=component, error=_missing(name, known))


def _each_named(parts: Sequence[Part]) -> Iterator[Said]:
    """Name each part; parts of one name are told apart by the second name that they have, such as an id."""
    names = [component_name(part.names[0]) for part in parts]
    short = [_told_apart(part, _SHORT) for part in parts]
    for part, name, shorter in zip(parts, names, short, strict=True):
        if names.count(name) == 1:
            component = name
        else:
            component = shorter if short.count(shorter) == 1 else _told_apart(part, _LONG)
        yield attrs.evolve(part.said, component=component)


def _told_apart(part: Part, length: int) -> str:
    """Add the beginning of the second name, if there is one."""
    name = component_name(part.names[0])
    if len(part.names) == 1:
        return name
    beginning = component_name(part.names[1][:length])
    return f"{name[: MAX_LENGTH - 1 - len(beginning)]}-{beginning}"


def hidden_in(errors: Iterable[str | None]) -> str:
    """Say of a component that it may stand where nothing could be read, for these reasons."""
    return f"it may stand in what fails: {'; '.join(f'{error}' for error in errors)}"


def _missing(name: str, parts: Sequence[Part]) -> str:
    said = [part.said for part in parts]
    errors = [one.error for one in said if isinstance(one, Unknown) and one.may_hide_others]
    return hidden_in(errors) if errors else f"there is no {name}; {_instead(parts)}"


def _instead(parts: Sequence[Part]) -> str:
    names = [part.names[0] for part in parts]
    more = ", ..." if len(names) > _MOST_NAMES_SHOWN else ""
    return f"there are {', '.join(names[:_MOST_NAMES_SHOWN])}{more}" if names else "there is nothing else either"
