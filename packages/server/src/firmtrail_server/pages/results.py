"""What a view may return."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import attrs

from firmtrail_contract import AccessToken


@attrs.frozen(kw_only=True)
class View:
    """A page, made of a template and what it shows."""

    template: str
    data: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    status: int = 200


@attrs.frozen(kw_only=True)
class Redirect:
    """The browser goes to another page."""

    to: str


@attrs.frozen(kw_only=True)
class SignedIn(Redirect):
    """The browser is signed in and redirected."""

    session: AccessToken = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class SignedOut(Redirect):
    """The browser is signed out and redirected."""


@attrs.frozen(kw_only=True)
class Download:
    """A file to keep, sent while it is made."""

    name: str
    content_type: str
    content: AsyncGenerator[bytes]
    #: called when it has been sent, or was broken off
    leave: Callable[[], None]
