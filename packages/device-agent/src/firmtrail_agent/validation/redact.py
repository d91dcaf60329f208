"""Texts, part of which somebody else wrote, made safe for a log, a terminal, the status file and systemd.

The ways out clean all that goes through them: log.py, `show` in output.py, status_file.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from firmtrail_contract.blanks import trimmed

LONGEST_LINE = 400
#: of whatever is shown or written; what is longer did not come from here
LONGEST_TEXT = 2000
_HIDDEN = "[hidden]"
#: what an Authorization header holds, and access tokens without one; ordinary words are shorter
_CREDENTIALS = re.compile(r"((?:basic|bearer) +)[\w.~+/=-]{20,}|\beyJ[\w-]{8,}\.[\w.-]+", re.ASCII | re.IGNORECASE)
_SHORTEST_SECRET = 8
_secrets = set[str]()


def hide_secret(secret: str) -> None:
    """Show this text to nobody from now on, though a server repeats it; a short one is a word like others."""
    if len(secret) >= _SHORTEST_SECRET:
        _secrets.add(secret)


def visible(text: str) -> str:
    """Put a question mark in the place of each character that does not show: it might command a terminal.

    The API key and access tokens are hidden.
    """
    shown = "".join(character if character.isprintable() else "?" for character in text)
    shown = _CREDENTIALS.sub(lambda found: (found[1] or "") + _HIDDEN, shown)
    for secret in _secrets:
        shown = shown.replace(secret, _HIDDEN)
    return shown


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Make a line of it, of so many characters at most; of a text in which nothing is seen, an empty one."""
    return visible(" ".join(trimmed(text).split()))[:longest]


def cleaned(value: Any) -> Any:
    """Make every text in JSON visible, and none longer than `LONGEST_TEXT`."""
    if isinstance(value, str):
        return visible(value)[:LONGEST_TEXT]
    if isinstance(value, Mapping):
        return {cleaned(name): cleaned(one) for name, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [cleaned(one) for one in cast("list[Any]", value)]
    return value
