"""`firmtrail sign-up`, `login`, `logout` and `whoami`: users, and what is kept for them in their profile."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs

import firmtrail
from firmtrail._profiles import change_profile
from firmtrail.cli.asking import ask, ask_new_password, ask_secret
from firmtrail.cli.names import current_project
from firmtrail.cli.verbs import Verb, flag, option, positional
from firmtrail.credentials import Login
from firmtrail.errors import ConfigError
from firmtrail_contract import CurrentProject, JoinedProject, SignUpReceipt, User

_EMAIL = positional("email", "your e-mail address; asked for, if left out", nargs="?", metavar="EMAIL")
_URL = option("url", "the server; else FIRMTRAIL_URL, else that of your profile")


def _anybody(options: argparse.Namespace) -> AbstractContextManager[firmtrail.Client]:
    return firmtrail.Client(options.url)


def _sign_up(client: firmtrail.Client, options: Any) -> SignUpReceipt:
    email = options.email or ask("E-mail")
    name, password = options.name or ask("Name"), ask_new_password()
    invitation = ask_secret("Invitation") if options.invitation else None
    receipt = client.users.sign_up(email, name, password, invitation=invitation)
    _say(
        "The server took the sign-up. If the address had a user already, nothing changed: the answer does not tell. "
        f"Find out with your password: firmtrail login {email}"
    )
    return receipt


def _as_user(options: argparse.Namespace) -> AbstractContextManager[firmtrail.Client]:
    email = options.email or ask("E-mail")
    return firmtrail.Client(options.url, login=Login(email=email, password=ask_secret("Password")))


def _login(client: firmtrail.Client, _: Any) -> None:
    granted = client.access_token()

    def keep(profile: dict[str, str]) -> None:
        if keys := profile.keys() & {"api_key", "api_key_file"}:
            raise ConfigError(f"This profile holds {keys.pop()}: name another one with FIRMTRAIL_PROFILE.")
        profile.update(url=client.url, access_token=granted.access_token)

    file = change_profile(os.environ, keep)
    until = dt.datetime.now().astimezone() + dt.timedelta(seconds=granted.expires_in)
    _say(f"Logged in at {client.url} until {until:%H:%M}; the access token is in {file}.")
    if outdoing := [name for name in _OUTDOING if os.environ.get(name)]:
        _say(f"{', '.join(outdoing)} is set and counts before the profile: unset it.")


#: with one of them, the profile is not read, or not its token
_OUTDOING = [f"FIRMTRAIL_{name}{suffix}" for name in ("URL", "API_KEY", "ACCESS_TOKEN") for suffix in ("", "_FILE")]


def _logout(_: Any, __: Any) -> None:
    def forget(profile: dict[str, str]) -> None:
        profile.pop("access_token", None)

    file = change_profile(os.environ, forget)
    _say(f"There is no access token in {file} any more.")


@attrs.frozen(kw_only=True)
class _UserInProjects(User):
    """Who a user is, and where."""

    projects: list[JoinedProject]


def _who(client: firmtrail.Client, _: Any) -> CurrentProject | _UserInProjects:
    """Look up the API key and its project, or the user and theirs."""
    project = current_project(client)
    if project is not None:
        return project
    user = client.users.me()
    return _UserInProjects(**attrs.asdict(user), projects=[*client.projects.list()])


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


VERBS = [
    Verb(
        "sign-up",
        "become a user; the password is asked for, or a line of standard input",
        _sign_up,
        [
            _EMAIL,
            option("name", "what people call you"),
            _URL,
            flag("invitation", "ask for an invitation's secret too"),
        ],
        client=_anybody,
    ),
    Verb(
        "login",
        "get an access token for your profile; the password is asked for, or a line of standard input",
        _login,
        [_EMAIL, _URL],
        client=_as_user,
    ),
    Verb("logout", "forget the access token", _logout, client=lambda _: nullcontext()),
    Verb("whoami", "the user that you are and your projects, or the API key that you use and its project", _who),
]
