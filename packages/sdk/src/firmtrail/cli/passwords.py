"""`firmtrail passwd`: one's own password."""

from __future__ import annotations

import sys
from typing import Any

import firmtrail
from firmtrail.cli.asking import ask_new_password, ask_secret
from firmtrail.cli.verbs import Verb


def _change(client: firmtrail.Client, _: Any) -> None:
    current = ask_secret("Current password")
    client.users.change_password(current, ask_new_password("New password"))
    sys.stderr.write("The password is changed. Every other session of yours has ended.\n")


VERBS = [
    Verb(
        "passwd",
        "change your password; the current one and the new one are asked for, or are two lines of standard input",
        _change,
    ),
]
