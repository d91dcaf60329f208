"""Types of sources that other distributions bring, as entry points of the group `firmtrail_agent.sources`.

Looking for them takes a twentieth of a second: it is done only for a type that is none of ours, and to check the
configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import attrs

from firmtrail_agent.layers import nearest
from firmtrail_agent.sources.catalogue import BUILT_IN, TypeRefused
from firmtrail_agent.sources.reading import Source
from firmtrail_agent.texts import shown

GROUP = "firmtrail_agent.sources"


def load(name: str) -> type[Source]:
    """Import the class of the one plug-in that brings a type.

    Raises:
        TypeRefused: there is none, or more than one, or it is broken.
    """
    offers = entry_points(group=GROUP)
    wanted = [offer for offer in offers if offer.name == name]
    if not wanted:
        raise TypeRefused(_unknown(name, [*BUILT_IN, *sorted({offer.name for offer in offers})]))
    if len(wanted) > 1:
        raise TypeRefused(f"{_all(wanted)} bring a source of type {name} each; uninstall all but one")
    return _loaded(wanted[0])


def clashes() -> list[str]:
    """Say which plug-ins bring a type of ours, which they cannot replace."""
    return [
        f"{_distribution(offer)} brings a source of type {offer.name}, which the agent has itself; uninstall it"
        for offer in entry_points(group=GROUP)
        if offer.name in BUILT_IN
    ]


def _loaded(offer: EntryPoint) -> type[Source]:
    try:
        kind = offer.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  somebody else's module may do anything
        raise TypeRefused(f"{_offer(offer)} cannot be loaded: {shown(error)}") from None
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
