"""Texts, part of which somebody else wrote, made safe for a log, a terminal and systemd's status."""

from __future__ import annotations

LONGEST_LINE = 400


def visible(text: str) -> str:
    """Put a question mark in the place of each character that does not show: it might command a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def told(error: BaseException) -> str:
    """Say what an exception says, or its name, if somebody else's class breaks at that."""
    try:
        return str(error)
    except (Exception, SystemExit):  # noqa: BLE001  it may do anything
        return type(error).__name__


def shown(error: BaseException) -> str:
    """Show an exception with its class, as `told` says it."""
    try:
        return repr(error)
    except (Exception, SystemExit):  # noqa: BLE001  the same
        return type(error).__name__


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Make a line of it, of so many characters at most."""
    return visible(" ".join(text.split()))[:longest]
