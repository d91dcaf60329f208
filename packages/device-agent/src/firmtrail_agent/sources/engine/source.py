"""What every source is, and what it says: a version, that it cannot tell one, or that there is no such thing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

import attrs


class SourceAbsent(Exception):
    """The device has no such place. The message names it."""


class SourceFailed(Exception):
    """The place is there and gives no version. The message says why, and what to do where that is not plain."""


@attrs.frozen(kw_only=True)
class Found:
    """A version as its source has it, and where exactly it stood."""

    component: str
    version: str
    detail: str


@attrs.frozen(kw_only=True)
class Unknown:
    """A component of which the source knows that it is there and cannot tell the version, and why."""

    component: str
    error: str
    #: it is not even known of which components the source would have spoken
    may_hide_others: bool = False


@attrs.frozen(kw_only=True)
class Gone:
    """A component that the device does not have: what lists its components was read whole, and does not name it.

    It ends the component's history, so it is never said of what merely cannot be read or does not answer.
    """

    component: str
    #: where that stands
    detail: str


Said: TypeAlias = Found | Unknown | Gone


class Source(Protocol):
    """A place where the versions of one component, or of several, can be found.

    It is an attrs class. Its fields are the keys that its table in the configuration may hold; a field without a
    default is a key that must be there. A field's validator raises a ValueError whose message completes the sentence
    "must ...". Where there is a field `timeout_seconds`, it is waited for that much longer, up to 30 s.
    """

    #: its name in the configuration
    type: ClassVar[str]

    @property
    def component(self) -> str:
        """What it speaks of; where it may speak of several, the name under which its own failure is shown."""
        ...

    def find(self, root: Path) -> Iterable[Said]:
        """Look for the versions below `root`, now; nothing is remembered from earlier times.

        Raises:
            SourceAbsent: the device has no such place.
            SourceFailed: it has, and it gives no version.
        """
        ...
