"""Where a client finds its server, its API key and how to use them: arguments, the environment, a profile of the user.

The three are tried in this order for each of them, with one exception: the key and the CA file of a profile are for the
server of that profile and for no other.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

import attrs

from firmtrail.credentials import ApiKey
from firmtrail.errors import ConfigError, CredentialsError

#: `token`: get an access token with the API key and send that. `basic`: send the key with each call.
Auth = Literal["token", "basic"]

_PROFILE_KEYS = {"url", "api_key", "api_key_file", "auth", "ca_file"}


@attrs.frozen(kw_only=True)
class Settings:
    """A server, and the key to use there."""

    #: without a slash at its end; may hold a path prefix
    url: str
    api_key: ApiKey | None
    auth: Auth = "token"
    #: certificates to trust beside the usual ones
    ca_file: Path | None = None


def read_settings(
    url: str | None,
    api_key: ApiKey | str | None,
    environment: Mapping[str, str] | None = None,
    *,
    auth: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
) -> Settings:
    """Find the server's URL, the API key and how to use them; an empty variable counts as unset.

    Raises:
        ConfigError: there is no URL, or a source cannot be used or contradicts another one.
        CredentialsError: what was found is no API key.
    """
    environment = os.environ if environment is None else environment
    key = _parsed(api_key, "api_key") if api_key is not None else _key_from(environment)
    way = _checked_auth(auth, "auth") or _checked_auth(environment.get("FIRMTRAIL_AUTH"), "FIRMTRAIL_AUTH")
    trusted = _file(environment.get("FIRMTRAIL_CA_FILE") or None if ca_file is None else ca_file)
    if url is not None:
        return Settings(url=_checked_url(url, "url"), api_key=key, auth=way or "token", ca_file=trusted)
    if found := _variable(environment, "FIRMTRAIL_URL"):
        return Settings(url=_checked_url(found, "FIRMTRAIL_URL"), api_key=key, auth=way or "token", ca_file=trusted)
    profile = _profile(environment)
    if "url" not in profile:
        raise ConfigError(
            f"No server: pass url=..., set FIRMTRAIL_URL, or write a url into {_profile_file(environment)}."
        )
    return Settings(
        url=_checked_url(profile["url"], "The profile's url"),
        api_key=key or _key_of(profile),
        auth=way or _checked_auth(profile.get("auth"), "The profile's auth") or "token",
        ca_file=trusted or _file(profile.get("ca_file")),
    )


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


def _key_from(environment: Mapping[str, str]) -> ApiKey | None:
    text = _variable(environment, "FIRMTRAIL_API_KEY")
    return _parsed(text, "FIRMTRAIL_API_KEY") if text else None


def _key_of(profile: Mapping[str, str]) -> ApiKey | None:
    if "api_key" in profile and "api_key_file" in profile:
        raise ConfigError("A profile holds api_key or api_key_file, not both.")
    if file := profile.get("api_key_file"):
        source = "The profile's api_key_file"
        return _parsed(_content(_expanded(file), source), source)
    return _parsed(profile["api_key"], "The profile's api_key") if "api_key" in profile else None


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
        raise ConfigError(f"{source} names a file that cannot be read: {file} ({_reason(error)}).") from None
    if not text:
        raise ConfigError(f"{source} names an empty file: {file}.")
    return text


def _file(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else _expanded(os.fspath(path))


def _profile_file(environment: Mapping[str, str]) -> Path:
    return _expanded(environment.get("XDG_CONFIG_HOME") or "~/.config") / "firmtrail" / "config.toml"


def _profile(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The chosen profile of the user's file; empty if none was chosen and there is none called `default`."""
    chosen, file = environment.get("FIRMTRAIL_PROFILE"), _profile_file(environment)
    profiles = _profiles(file)
    if chosen and chosen not in profiles:
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigError(f"FIRMTRAIL_PROFILE is {chosen!r}; the profiles in {file} are: {known}.")
    return _checked_profile(profiles.get(chosen or "default", {}), file)


def _profiles(file: Path) -> Mapping[str, Any]:
    text = _private_text(file)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from None
    profiles: object = document.pop("profiles", {})
    if document or not isinstance(profiles, dict):
        raise ConfigError(f"{file} holds only tables called [profiles.<name>].")
    return cast("Mapping[str, Any]", profiles)


def _private_text(file: Path) -> str:
    """The text of the user's file, which must be readable for nobody else; empty if there is no file."""
    try:
        with file.open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if os.name == "posix" and mode & 0o077:
                raise ConfigError(f"Others may read {file}, which holds keys. Run: chmod 600 {file}")
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {_reason(error)}.") from None


def _expanded(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111  Path.expanduser fails for a user without a home


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "unknown" if isinstance(error, OSError) else "not UTF-8"


def _checked_profile(profile: Any, file: Path) -> Mapping[str, str]:
    if not isinstance(profile, dict):
        raise ConfigError(f"Each profile in {file} is a table of texts.")
    table = cast("dict[str, Any]", profile)
    if not all(isinstance(value, str) for value in table.values()):
        raise ConfigError(f"Each profile in {file} is a table of texts.")
    if unknown := sorted(table.keys() - _PROFILE_KEYS):
        allowed = ", ".join(sorted(_PROFILE_KEYS))
        raise ConfigError(f"A profile in {file} holds {', '.join(unknown)}; it may hold {allowed}.")
    return table


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
