"""What is asked of the person at the terminal, or read from standard input when that is none."""

from __future__ import annotations

import argparse
import getpass
import sys

from firmtrail.cli.texts import visible
from firmtrail.cli.verbs import UsageError


def ask(what: str) -> str:
    """Read one line."""
    if sys.stdin.isatty():
        sys.stderr.write(f"{what}: ")
        sys.stderr.flush()
    line = sys.stdin.readline()
    if not line.strip():
        raise UsageError(f"{what}: nothing was given. Type it, or pass it as a line of standard input.")
    return line.rstrip("\r\n")


def ask_secret(what: str) -> str:
    """Read one line that is not shown while it is typed."""
    if not sys.stdin.isatty():
        return ask(what)
    secret = getpass.getpass(f"{what}: ")
    if not secret:
        raise UsageError(f"{what}: nothing was given.")
    return secret


def ask_new_password(what: str = "Password") -> str:
    """Read a password; on a terminal twice, since nobody sees what is typed."""
    password = ask_secret(what)
    if sys.stdin.isatty() and ask_secret("The same again") != password:
        raise UsageError("The two passwords differ; nothing was done.")
    return password


def confirm(question: str, options: argparse.Namespace) -> None:
    """Let a person say whether it is meant; a program says so with --yes."""
    if options.yes:
        return
    _require_person()
    if ask(f"{question.format(**vars(options))} [y/N]").strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was done.")


def confirm_name(kind: str, name: str, options: argparse.Namespace) -> None:
    """Let a person type the name of what is lost for good; a program says --yes."""
    if options.yes:
        return
    _require_person()
    if ask(f"This deletes the {kind} {visible(name)} and all that is in it. Type its name to go on").strip() != name:
        raise UsageError("That is another name; nothing was done.")


def _require_person() -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to say whether this is meant: add --yes.")
