"""`firmtrail sign-up`, `login`, `logout` and `whoami`: users, and what is kept for them in their profile."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import attrs

import firmtrail
from firmtrail._profiles import change_profile, profile_file, read_profile, read_profiles
from firmtrail._sessions import SessionTokens, StoredSession
from firmtrail._settings import is_same_server
from firmtrail.cli.asking import ask, ask_new_password, ask_secret
from firmtrail.cli.names import current_project
from firmtrail.cli.verbs import EMAIL, Verb, flag, option
from firmtrail.credentials import Login
from firmtrail.errors import ConfigError, FirmtrailError, OAuthError
from firmtrail_contract import AccessToken, CurrentProject, JoinedProject, OAuthErrorCode, SignUpReceipt, User


def _anybody(options: argparse.Namespace) -> AbstractContextManager[firmtrail.Client]:
    return firmtrail.Client(options.url, profile=_profile_of(options))


def _sign_up(client: firmtrail.Client, options: Any) -> SignUpReceipt:
    email = options.email or ask("E-mail")
    name, password = options.name or ask("Name"), ask_new_password()
    invitation = ask_secret("Invitation") if options.invitation else None
    receipt = client.users.sign_up(email, name, password, invitation=invitation)
    if receipt.must_confirm:
        _say(f"An e-mail with a code is on its way to {email}. Confirm the address with: firmtrail confirm-sign-up")
    else:
        _say(
            "The server took the sign-up. If the address had a user already, nothing changed: the answer does not tell."
            f" Find out with your password: firmtrail login {email}"
        )
    return receipt


def _confirm(client: firmtrail.Client, _: Any) -> User:
    code = ask_secret("Code")
    user = client.users.confirm_sign_up(code, ask_secret("Password"))
    _say(f"The address is confirmed. Log in with: firmtrail login {user.email}")
    return user


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
    environment = _environment(options)
    _refuse_a_key(environment)
    granted = _granted(client)

    def keep(profile: dict[str, str]) -> None:
        profile.pop("access_token", None)
        profile.update(url=client.url, **({} if granted.refresh_token else {"access_token": granted.access_token}))

    file = change_profile(environment, keep)
    session = StoredSession.of_profile(environment)
    with session.locked():
        _replace(client, session, granted)
    until = dt.datetime.now().astimezone() + dt.timedelta(seconds=granted.expires_in)
    lasts = f"; the session is in {session.file}" if granted.refresh_token else f" until {until:%H:%M}"
    _say(f"Logged in at {client.url}{lasts}. The profile is in {file}.")
    if outdoing := [name for name in _OUTDOING if os.environ.get(name)]:
        _say(f"{', '.join(outdoing)} is set and counts before the profile: unset it.")


def _refuse_a_key(environment: Mapping[str, str]) -> None:
    """A profile that has an API key keeps it."""
    profile = read_profiles(profile_file(environment)).get(environment.get("FIRMTRAIL_PROFILE") or "default", {})
    if keys := profile.keys() & {"api_key", "api_key_file"}:
        raise ConfigError(f"This profile holds {keys.pop()}: name another one with --profile or FIRMTRAIL_PROFILE.")


def _granted(client: firmtrail.Client) -> AccessToken:
    """Begin a session; an older server knows none, and gives an access token alone."""
    try:
        return client.access_token(offline_access=True)
    except OAuthError as error:
        if error.error is not OAuthErrorCode.INVALID_SCOPE:
            raise
    return client.access_token()


def _replace(client: firmtrail.Client, session: StoredSession, granted: AccessToken) -> None:
    """Put a new session in the place of the profile's last one, which ends if it was at this server."""
    before = session.read()
    if granted.refresh_token is None:
        session.forget()
    else:
        renew_at = time.time() + granted.expires_in * _RENEWED_AFTER
        tokens = SessionTokens(
            url=client.url,
            refresh_token=granted.refresh_token,
            access_token=granted.access_token,
            renew_at=renew_at,
        )
        session.write(tokens)
    if before is not None and is_same_server(before.url, client.url):
        with suppress(FirmtrailError):  # it ends by itself when it was idle for long enough
            client.users.revoke(before.refresh_token)


#: the part of an access token's life
_RENEWED_AFTER = 0.8
#: with one of them, the profile is not read, or not its login
_OUTDOING = [f"FIRMTRAIL_{name}{suffix}" for name in ("URL", "API_KEY", "ACCESS_TOKEN") for suffix in ("", "_FILE")]


def _logout(_: Any, options: Any) -> None:
    environment = _environment(options)
    session = StoredSession.of_profile(environment)
    with session.locked():
        tokens = session.read()
        session.forget()

    def forget(profile: dict[str, str]) -> None:
        profile.pop("access_token", None)

    file = change_profile(environment, forget)
    _say(f"The profile in {file} is logged out.")
    if tokens is not None:
        _end(tokens, read_profile(environment).get("ca_file"))


def _end(tokens: SessionTokens, trusted: str | None) -> None:
    """End a session that is kept nowhere any more at its server."""
    with firmtrail.Client(tokens.url, access_token=tokens.access_token, ca_file=trusted) as client:
        try:
            client.users.revoke(tokens.refresh_token)
        except FirmtrailError:
            _say("The server could not be told. End the session when you log in again: firmtrail sessions list")
            raise


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
            EMAIL,
            option("name", "what people call you"),
            flag("invitation", "ask for an invitation's secret too"),
        ],
        client=_anybody,
        examples=["sign-up ada@example.com --name Ada --url https://firmtrail.example.com"],
    ),
    Verb(
        "confirm-sign-up",
        "confirm your address: the code of the e-mail and your password are asked for, or are two lines of input",
        _confirm,
        client=_anybody,
        examples=["confirm-sign-up", "confirm-sign-up --url https://firmtrail.example.com"],
    ),
    Verb(
        "login",
        "log your profile in for weeks; the password is asked for, or a line of standard input",
        _login,
        [EMAIL],
        client=_as_user,
        examples=["login ada@example.com --url https://firmtrail.example.com", "login ada@example.com --profile work"],
    ),
    Verb(
        "logout",
        "end the session of your profile",
        _logout,
        client=lambda _: nullcontext(),
        examples=["logout", "logout --profile work"],
    ),
    Verb(
        "whoami",
        "the user that you are and your projects, or the API key that you use and its project",
        _who,
        examples=["whoami", "whoami --json"],
    ),
]
