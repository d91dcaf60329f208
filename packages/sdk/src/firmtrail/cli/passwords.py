"""`firmtrail passwd` and `reset-password`: one's own password."""

from __future__ import annotations

import sys
from typing import Any

import firmtrail
from firmtrail.cli.asking import ask, ask_new_password, ask_secret
from firmtrail.cli.verbs import EMAIL, Verb, flag


def _change(client: firmtrail.Client, _: Any) -> None:
    current = ask_secret("Current password")
    client.users.change_password(current, ask_new_password("New password"))
    sys.stderr.write("The password is changed. Every other session of yours has ended.\n")


def _reset(client: firmtrail.Client, options: Any) -> None:
    if options.code:
        client.users.reset_password(ask_secret("Code"), ask_new_password("New password"))
        sys.stderr.write("The password is changed, and all your sessions have ended. Log in with: firmtrail login\n")
        return
    email = options.email or ask("E-mail")
    client.users.request_password_reset(email)
    sys.stderr.write(
        f"If {email} has a user, a code is on its way to it, good for an hour. "
        "Then set the new password with: firmtrail reset-password --code\n"
    )


VERBS = [
    Verb(
        "passwd",
        "change your password; the current one and the new one are asked for, or are two lines of standard input",
        _change,
        examples=["passwd", "passwd --profile work"],
    ),
    Verb(
        "reset-password",
        "have a code for a new password sent to you, or use it: --code",
        _reset,
        [EMAIL, flag("code", "you have the code: it is asked for, and the new password too")],
        examples=["reset-password ada@example.com", "reset-password --code"],
    ),
]
