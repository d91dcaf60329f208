"""What is asked of the person at the terminal, or read from standard input when that is none."""

from __future__ import annotations

import argparse
import getpass
import sys

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
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to say whether this is meant: add --yes.")
    if ask(f"{question.format(**vars(options))} [y/N]").strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was done.")
