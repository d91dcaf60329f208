"""Where a client finds its server and its credential: arguments, the environment, a profile of the user.

The three are tried in this order for each of them, with one exception: the credential and the CA file of a profile are
for the server of that profile and for no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from ssl import SSLContext
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

import attrs

from firmtrail._profiles import expanded, profile_file, read_profile, reason_of
from firmtrail._sessions import StoredSession
from firmtrail.credentials import ApiKey, Credential, Login, Token
from firmtrail.errors import ConfigError, CredentialsError

#: `token`: get an access token with the API key and send that. `basic`: send the key with each call.
Auth = Literal["token", "basic"]


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


def read_settings(
    url: str | None,
    credential: Credential | None,
    environment: Mapping[str, str] | None = None,
    *,
    auth: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
) -> Settings:
    """Find the server's URL, the credential and how to use it; an empty variable counts as unset.

    Raises:
        ConfigError: there is no URL, or a source cannot be used or contradicts another one.
        CredentialsError: what was found is no credential.
    """
    environment = os.environ if environment is None else environment
    credential = credential or _credential_from(environment)
    way = _checked_auth(auth, "auth") or _checked_auth(environment.get("FIRMTRAIL_AUTH"), "FIRMTRAIL_AUTH")
    trusted = _file(environment.get("FIRMTRAIL_CA_FILE") or None if ca_file is None else ca_file)
    if url is not None:
        return Settings(url=_checked_url(url, "url"), credential=credential, auth=way or "token", ca_file=trusted)
    if found := _variable(environment, "FIRMTRAIL_URL"):
        checked = _checked_url(found, "FIRMTRAIL_URL")
        return Settings(url=checked, credential=credential, auth=way or "token", ca_file=trusted)
    profile = read_profile(environment)
    if "url" not in profile:
        raise ConfigError(
            f"No server: pass url=..., set FIRMTRAIL_URL, or write a url into {profile_file(environment)}."
        )
    checked = _checked_url(profile["url"], "The profile's url")
    return Settings(
        url=checked,
        credential=credential or _login_of(environment, checked) or _credential_of(profile),
        auth=way or _checked_auth(profile.get("auth"), "The profile's auth") or "token",
        ca_file=trusted or _file(profile.get("ca_file")),
    )


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


def _checked_auth(text: str | None, source: str) -> Auth | None:
    if text and text not in get_args(Auth):
        raise ConfigError(f"{source} must be {' or '.join(get_args(Auth))}.")
    return cast("Auth", text) if text else None


def _credential_from(environment: Mapping[str, str]) -> Credential | None:
    key, token = _variable(environment, "FIRMTRAIL_API_KEY"), _variable(environment, "FIRMTRAIL_ACCESS_TOKEN")
    if key and token:
        raise ConfigError("Set FIRMTRAIL_API_KEY or FIRMTRAIL_ACCESS_TOKEN, not both.")
    if key:
        return _parsed(key, "FIRMTRAIL_API_KEY")
    return Token(value=token) if token else None


def _login_of(environment: Mapping[str, str], url: str) -> StoredSession | None:
    """The login of the chosen profile, if there is one at this server."""
    session = StoredSession.of_profile(environment)
    tokens = session.read()
    return session if tokens is not None and tokens.url == url else None


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


def _variable(environment: Mapping[str, str], name: str) -> str | None:
    """The value of a variable, or the content of the file that its `_FILE` twin names."""
    value, file = environment.get(name), environment.get(f"{name}_FILE")
    if value and file:
        raise ConfigError(f"Set {name} or {name}_FILE, not both.")
    return _content(Path(file), f"{name}_FILE") if file else value or None


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


def _checked_url(url: str, source: str) -> str:
    """Refuse what is no base URL, without repeating it: it may hold a password in any place."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ConfigError(f"{source} is not a URL such as https://firmtrail.example.com.") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{source} holds credentials; pass the key as api_key or FIRMTRAIL_API_KEY.")
    if not usable or not url.isprintable() or " " in url:
        raise ConfigError(f"{source} must be a URL such as https://firmtrail.example.com.")
    if parts.query or parts.fragment:
        raise ConfigError(f"{source} must end with the host or a path: no '?' and no '#'.")
    return url.rstrip("/")
