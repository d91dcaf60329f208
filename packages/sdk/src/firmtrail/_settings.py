"""Where a client finds its server and its credential: arguments, the environment, a profile of the user.

The three are tried in this order for each of them, with one exception: the credential and the CA file of a profile are
for the server of that profile and for no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from ssl import SSLContext
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

import attrs

from firmtrail._profiles import expanded, profile_file, read_profile, reason_of
from firmtrail._sessions import StoredSession
from firmtrail.credentials import ApiKey, Credential, Login, Token
from firmtrail.errors import ConfigError, CredentialsError

#: `token`: get an access token with the API key and send that. `basic`: send the key with each call.
Auth = Literal["token", "basic"]


#: where a setting can come from, besides a variable
ARGUMENT, PROFILE = "argument", "profile"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@attrs.frozen(kw_only=True)
class Settings:
    """A server, and who to be there."""

    #: without a slash at its end; may hold a path prefix
    url: str
    credential: Credential | StoredSession | None
    auth: Auth = "token"
    #: certificates to trust beside the usual ones
    ca_file: Path | None = None
    #: the certificate that a server may ask for, and its key
    client_cert: Path | None = None
    #: on the way to the server; None: there is none
    proxy: str | None = None
    #: instead of the usual certificates, `ca_file` and `client_cert`
    ssl_context: SSLContext | None = None
    #: where `url`, `credential`, `auth` and `ca_file` come from: "argument", a variable, or "profile"
    sources: Mapping[str, str] = attrs.field(factory=dict[str, str], eq=False)


def read_settings(  # noqa: PLR0913  each is a setting of its own
    url: str | None,
    credential: Credential | None,
    environment: Mapping[str, str] | None = None,
    *,
    auth: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    profile: str | None = None,
) -> Settings:
    """Find the server's URL, the credential and how to use it; an empty variable counts as unset.

    Raises:
        ConfigError: there is no URL, or a source cannot be used or contradicts another one.
        CredentialsError: what was found is no credential.
    """
    environment = os.environ if environment is None else environment
    arguments = {"url": url, "credential": credential, "auth": auth, "ca_file": ca_file}
    sources = _Sources(arguments, environment, profile)
    found = {"url": sources.find("url")}
    sources.url = _checked_url(*found["url"])
    found |= {name: sources.find(name) for name in ("credential", "auth", "ca_file")}
    return Settings(
        url=sources.url,
        credential=found["credential"][0],
        auth=_checked_auth(*found["auth"]) or "token",
        ca_file=_file(found["ca_file"][0]),
        sources={name: source for name, (_, source) in found.items()},
    )


@attrs.define
class _Sources:
    """Arguments, environment and profile; a profile that an argument names counts before the environment."""

    arguments: Mapping[str, Any]
    environment: Mapping[str, str]
    profile: str | None
    #: the server, once it is known
    url: str = ""
    #: the profile's content, once it was needed
    table: Mapping[str, str] | None = None

    def find(self, name: str) -> tuple[Any, str]:
        """Give the first value that there is, and where it comes from."""
        if self.arguments[name] is not None:
            return self.arguments[name], ARGUMENT
        places = [self._of_environment, self._of_profile]
        for place in places if self.profile is None else reversed(places):
            if found := place(name):
                return found
        if name == "url":
            file = profile_file(self.environment)
            end = f"set FIRMTRAIL_URL, or write a url into {file}."
            raise ConfigError.said(f"No server: pass url=..., {end}", in_shell=f"No server: pass --url, {end}")
        return None, "default"

    def _of_environment(self, name: str) -> tuple[Any, str] | None:
        if name == "credential":
            return _credential_from(self.environment)
        variable = f"FIRMTRAIL_{name.upper()}"
        if name == "url":
            return _variable(self.environment, variable)
        return (self.environment[variable], variable) if self.environment.get(variable) else None

    def _of_profile(self, name: str) -> tuple[Any, str] | None:
        """A profile is read only where the server, or the credential for it, is not known otherwise."""
        if self.table is None:
            if name not in {"url", "credential"} and self.profile is None:
                return None
            # a login makes a profile that is not there yet
            is_optional = name != "url" and self.profile is None
            self.table = read_profile(self.environment, self.profile, is_optional=is_optional)
        if name != "url" and not is_same_server(self.table.get("url"), self.url):
            return None
        value = self._credential(self.table) if name == "credential" else self.table.get(name)
        return (value, PROFILE) if value else None

    def _credential(self, table: Mapping[str, str]) -> Credential | StoredSession | None:
        return _login_of(self.environment, self.profile, self.url) or _credential_of(table)


def given_credential(api_key: ApiKey | str | None, login: Login | None, access_token: str | None) -> Credential | None:
    """Take the one of them that a client was made with; None: none.

    Raises:
        ConfigError: there are several.
        CredentialsError: the API key or the access token is none.
    """
    given: list[Credential] = [] if login is None else [login]
    if api_key is not None:
        given.append(_parsed(api_key, "api_key"))
    if access_token is not None:
        given.append(Token(value=access_token))
    if len(given) > 1:
        raise ConfigError("Pass one of api_key, login and access_token.")
    return given[0] if given else None


def checked_timeout(timeout: object) -> float:
    """Refuse what is no end: no call may last for ever."""
    if not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise ConfigError("timeout must be a number of seconds above 0, and not without end.")
    return timeout


def checked_attempts(attempts: object) -> int:
    """Refuse what is no number of attempts."""
    if type(attempts) is not int or attempts < 1:
        raise ConfigError("attempts must be a whole number, 1 or more.")
    return attempts


def named(name: str, source: str) -> str:
    """Name a setting in a message."""
    return {ARGUMENT: name, PROFILE: f"The profile's {name}"}.get(source, source)


def _checked_auth(text: str | None, source: str) -> Auth | None:
    if text and text not in get_args(Auth):
        raise ConfigError(f"{named('auth', source)} must be {' or '.join(get_args(Auth))}.")
    return cast("Auth", text) if text else None


def _credential_from(environment: Mapping[str, str]) -> tuple[Credential, str] | None:
    key, token = _variable(environment, "FIRMTRAIL_API_KEY"), _variable(environment, "FIRMTRAIL_ACCESS_TOKEN")
    if key and token:
        raise ConfigError("Set FIRMTRAIL_API_KEY or FIRMTRAIL_ACCESS_TOKEN, not both.")
    if key:
        return _parsed(*key), key[1]
    return (Token(value=token[0]), token[1]) if token else None


def _login_of(environment: Mapping[str, str], profile: str | None, url: str) -> StoredSession | None:
    """The login of the chosen profile, if there is one at this server."""
    session = StoredSession.of_profile(environment, profile)
    tokens = session.read()
    return session if tokens is not None and is_same_server(tokens.url, url) else None


def _credential_of(profile: Mapping[str, str]) -> Credential | None:
    given = [name for name in ("api_key", "api_key_file", "access_token") if name in profile]
    if len(given) > 1:
        raise ConfigError(f"A profile holds one of {' and '.join(given)}, not both.")
    if file := profile.get("api_key_file"):
        source = "The profile's api_key_file"
        return _parsed(_content(expanded(file), source), source)
    if "api_key" in profile:
        return _parsed(profile["api_key"], "The profile's api_key")
    return Token(value=profile["access_token"]) if "access_token" in profile else None


def _parsed(api_key: ApiKey | str, source: str) -> ApiKey:
    if isinstance(api_key, ApiKey):
        return api_key
    try:
        return ApiKey.parse(api_key)
    except CredentialsError as error:
        error.args = (f"{source}: {error}",)
        raise


def _variable(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """The value of a variable, or the content of the file that its `_FILE` twin names; and which one it was."""
    value, file = environment.get(name), environment.get(f"{name}_FILE")
    if value and file:
        raise ConfigError(f"Set {name} or {name}_FILE, not both.")
    if file:
        return _content(Path(file), f"{name}_FILE"), f"{name}_FILE"
    return (value, name) if value else None


def _content(file: Path, source: str) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} names a file that cannot be read: {file} ({reason_of(error)}).") from None
    if not text:
        raise ConfigError(f"{source} names an empty file: {file}.")
    return text


def _file(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else expanded(os.fspath(path))


def is_same_server(one: str | None, other: str) -> bool:
    """Compare a URL that is kept with the one to use, however each is written."""
    return one is not None and _place(_checked_url(one, PROFILE)) == _place(other)


def _place(url: str) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme), parts.path.rstrip("/")


def _checked_url(url: str, source: str) -> str:
    """Refuse what is no base URL, without repeating it: it may hold a password in any place."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = None, False
    if parts and (parts.username is not None or parts.password is not None):
        raise _bad_url(source, "holds credentials: remove them, and set FIRMTRAIL_API_KEY.")
    if not parts or not usable or not url.isprintable() or " " in url:
        raise _bad_url(source, "must be a URL such as https://firmtrail.example.com.")
    if parts.query or parts.fragment:
        raise _bad_url(source, "must end with the host or a path: no '?' and no '#'.")
    return url.rstrip("/")


def _bad_url(source: str, reason: str) -> ConfigError:
    shown = named("url", source)
    return ConfigError.said(f"{shown} {reason}", in_shell=f"{'--url' if source == ARGUMENT else shown} {reason}")
