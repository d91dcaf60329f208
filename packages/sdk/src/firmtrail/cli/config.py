"""`firmtrail config`: which settings count, and where each one comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import attrs

from firmtrail._profiles import profile_file
from firmtrail._sessions import StoredSession
from firmtrail._settings import ARGUMENT, PROFILE, read_settings
from firmtrail.cli.verbs import Column, Verb
from firmtrail.credentials import ApiKey, Credential


@attrs.frozen
class Setting:
    """One that counts."""

    name: str
    value: str
    source: str


def _settings(_: Any, options: Any) -> Iterator[Setting]:
    found = read_settings(options.url, None, profile=options.profile)
    file = profile_file(os.environ)
    chosen, chosen_by = _first(options.profile, "--profile", "FIRMTRAIL_PROFILE", "default")
    places = {ARGUMENT: "--url", PROFILE: f"profile {chosen} in {file}"}
    yield Setting("profile", chosen, chosen_by)
    for name, value in (
        ("url", found.url),
        ("credential", _hidden(found.credential)),
        ("auth", found.auth),
        ("ca_file", str(found.ca_file or "")),
    ):
        yield Setting(name, value, places.get(found.sources[name], found.sources[name]))
    yield Setting("project", *_first(options.project, "--project", "FIRMTRAIL_PROJECT", ""))


def _first(given: str | None, name: str, variable: str, default: str) -> tuple[str, str]:
    """Give the first value that there is, and where it comes from."""
    if given:
        return given, name
    found = os.environ.get(variable)
    return (found, variable) if found else (default, "default")


def _hidden(credential: Credential | StoredSession | None) -> str:
    if credential is None:
        return ""
    if isinstance(credential, StoredSession):
        return f"login, kept in {credential.file}"
    return f"API key {credential.id}, secret hidden" if isinstance(credential, ApiKey) else "access token, hidden"


VERBS = [
    Verb(
        "show",
        "the settings that count and where each comes from; secrets are hidden",
        _settings,
        columns=["name", "value", Column("source", "from")],
        client=lambda _: nullcontext(),
        examples=["config show", "config show --profile work"],
    )
]
