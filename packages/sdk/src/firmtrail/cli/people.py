"""`firmtrail sign-up`, `login`, `logout` and `whoami`: users, and what is kept for them in their profile."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from collections.abc import Mapping
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


def _anybody(options: argparse.Namespace) -> AbstractContextManager[firmtrail.Client]:
    return firmtrail.Client(options.url, profile=_profile_of(options))


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
    login = Login(email=email, password=ask_secret("Password"))
    return firmtrail.Client(options.url, profile=_profile_of(options), login=login)


def _profile_of(options: argparse.Namespace) -> str | None:
    """With a server, the profile need not be there yet: the login makes it."""
    return options.profile if options.url is None else None


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    return os.environ | ({"FIRMTRAIL_PROFILE": options.profile} if options.profile else {})


def _login(client: firmtrail.Client, options: Any) -> None:
    granted = client.access_token()

    def keep(profile: dict[str, str]) -> None:
        if keys := profile.keys() & {"api_key", "api_key_file"}:
            raise ConfigError(f"This profile holds {keys.pop()}: name another one with --profile or FIRMTRAIL_PROFILE.")
        profile.update(url=client.url, access_token=granted.access_token)

    file = change_profile(_environment(options), keep)
    until = dt.datetime.now().astimezone() + dt.timedelta(seconds=granted.expires_in)
    _say(f"Logged in at {client.url} until {until:%H:%M}; the access token is in {file}.")
    if outdoing := [name for name in _OUTDOING if os.environ.get(name)]:
        _say(f"{', '.join(outdoing)} is set and counts before the profile: unset it.")


#: with one of them, the profile is not read, or not its token
_OUTDOING = [f"FIRMTRAIL_{name}{suffix}" for name in ("URL", "API_KEY", "ACCESS_TOKEN") for suffix in ("", "_FILE")]


def _logout(_: Any, options: Any) -> None:
    def forget(profile: dict[str, str]) -> None:
        profile.pop("access_token", None)

    file = change_profile(_environment(options), forget)
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
            flag("invitation", "ask for an invitation's secret too"),
        ],
        client=_anybody,
        examples=["sign-up ada@example.com --name Ada --url https://firmtrail.example.com"],
    ),
    Verb(
        "login",
        "get an access token for your profile; the password is asked for, or a line of standard input",
        _login,
        [_EMAIL],
        client=_as_user,
        examples=["login ada@example.com --url https://firmtrail.example.com", "login ada@example.com --profile work"],
    ),
    Verb("logout", "forget the access token", _logout, client=lambda _: nullcontext(), examples=["logout"]),
    Verb(
        "whoami",
        "the user that you are and your projects, or the API key that you use and its project",
        _who,
        examples=["whoami", "whoami --json"],
    ),
]
