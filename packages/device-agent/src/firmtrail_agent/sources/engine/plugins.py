"""Types of sources that other distributions bring, as entry points of the group `firmtrail_agent.sources`.

Looking for them takes a twentieth of a second: it is done only for a type that is none of ours, and to check the
configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast

import attrs

from firmtrail_agent.sources.engine.source import Source
from firmtrail_agent.validation.suggestions import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "firmtrail_agent.sources"


class TypeRefused(Exception):
    """A type that cannot be used: there is none of that name, or a plug-in is broken. The message says what to do."""


def load(name: str, built_in: Collection[str]) -> type[Source]:
    """Import the class of the one plug-in that brings a type.

    Raises:
        TypeRefused: there is none, or more than one, or it is broken.
    """
    offers = _offers()
    wanted = [offer for offer in offers if offer.name == name]
    if not wanted:
        raise TypeRefused(_unknown(name, [*built_in, *sorted({offer.name for offer in offers})]))
    if len(wanted) > 1:
        raise TypeRefused(f"{_all(wanted)} bring a source of type {name} each; uninstall all but one")
    return _loaded(wanted[0])


def clashes(built_in: Collection[str]) -> list[str]:
    """Say which plug-ins bring a type of ours, which they cannot replace."""
    return [
        f"{_distribution(offer)} brings a source of type {offer.name}, which the agent has itself; uninstall it"
        for offer in _offers()
        if offer.name in built_in
    ]


def _offers() -> EntryPoints:
    from importlib.metadata import entry_points  # noqa: PLC0415  a device without plug-ins need not wait for it

    return entry_points(group=GROUP)


def _loaded(offer: EntryPoint) -> type[Source]:
    try:
        kind = offer.load()
    except Exception as error:  # noqa: BLE001  of somebody else's module
        raise TypeRefused(f"{_offer(offer)} cannot be loaded: {error!r}") from None
    if not isinstance(kind, type) or not attrs.has(kind) or not callable(getattr(kind, "find", None)):
        raise TypeRefused(f"{_offer(offer)} is not an attrs class with a method find")
    if getattr(kind, "type", None) != offer.name:
        raise TypeRefused(f"{_offer(offer)} has another name as its type")
    if not hasattr(kind, "component") and "component" not in attrs.fields_dict(kind):
        raise TypeRefused(f"{_offer(offer)} has no component")
    return cast("type[Source]", kind)


def _unknown(name: str, known: Sequence[str]) -> str:
    meant = nearest(name, known)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"the type of a source must be one of {', '.join(known)}{hint}"


def _offer(offer: EntryPoint) -> str:
    return f"the source of type {offer.name} that {_distribution(offer)} brings ({offer.value})"


def _all(offers: Sequence[EntryPoint]) -> str:
    return " and ".join(sorted(_distribution(offer) for offer in offers))


def _distribution(offer: EntryPoint) -> str:
    return f"{offer.dist.name} {offer.dist.version}" if offer.dist else "an unknown distribution"
