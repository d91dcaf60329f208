"""What every source is, and what it says: a version, that it cannot tell one, or that the device has no such place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Protocol

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

    def find(self, root: Path) -> Iterable[Found | Unknown]:
        """Look for the versions below `root`, now; nothing is remembered from earlier times.

        Raises:
            SourceAbsent: the device has no such place.
            SourceFailed: it has, and it gives no version.
        """
        ...
