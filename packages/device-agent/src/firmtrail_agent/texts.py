"""Texts, part of which somebody else wrote, made safe for a log, a terminal and systemd's status."""

from __future__ import annotations

LONGEST_LINE = 400


def visible(text: str) -> str:
    """Put a question mark in the place of each character that does not show: it might command a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Make a line of it, of so many characters at most."""
    return visible(" ".join(text.split()))[:longest]
