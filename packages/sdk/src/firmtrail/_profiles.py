"""The user's profiles: a file that holds servers and credentials, and that nobody else may read."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from firmtrail.errors import ConfigError

_KEYS = {"url", "api_key", "api_key_file", "access_token", "auth", "ca_file"}


def profile_file(environment: Mapping[str, str]) -> Path:
    """Where the user's profiles are."""
    return expanded(environment.get("XDG_CONFIG_HOME") or "~/.config") / "firmtrail" / "config.toml"


def read_profile(
    environment: Mapping[str, str], name: str | None = None, *, is_optional: bool = False
) -> Mapping[str, str]:
    """The profile of this name, else the chosen one; empty if none was chosen and there is none called `default`."""
    chosen, file = name or environment.get("FIRMTRAIL_PROFILE"), profile_file(environment)
    profiles = read_profiles(file)
    if chosen and chosen not in profiles and not is_optional:
        known = ", ".join(sorted(profiles)) or "none"
        source = "profile" if name else "FIRMTRAIL_PROFILE"
        message = f" is {chosen!r}; the profiles in {file} are: {known}."
        raise ConfigError.said(source + message, in_shell=("--profile" if name else source) + message)
    return _checked_profile(profiles.get(chosen or "default", {}), file)


def read_profiles(file: Path) -> Mapping[str, Any]:
    """Read all profiles of a file, unchecked; none if there is no file."""
    text = private_text(file)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from None
    profiles: object = document.pop("profiles", {})
    if document or not isinstance(profiles, dict):
        raise ConfigError(f"{file} holds only tables called [profiles.<name>].")
    return cast("Mapping[str, Any]", profiles)


def change_profile(environment: Mapping[str, str], change: Callable[[dict[str, str]], None]) -> Path:
    """Change the chosen profile, which need not be there yet, in a file that is whole at any moment; give the file.

    The other profiles stay; comments do not.
    """
    file = profile_file(environment)
    profiles = {name: dict(_checked_profile(one, file)) for name, one in read_profiles(file).items()}
    change(profiles.setdefault(environment.get("FIRMTRAIL_PROFILE") or "default", {}))
    try:
        replace_file(file.resolve(), "\n".join(_toml(name, one) for name, one in profiles.items()))
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {reason_of(error)}.") from None
    return file


def replace_file(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # nobody else may read it
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _toml(name: str, profile: Mapping[str, str]) -> str:
    lines = [f"{key} = {_quoted(value)}\n" for key, value in profile.items()]
    return f"[profiles.{_quoted(name)}]\n{''.join(lines)}"


def _quoted(text: str) -> str:
    """A text of TOML, which escapes what JSON does, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def private_text(file: Path) -> str:
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
        raise ConfigError(f"{file} cannot be read: {reason_of(error)}.") from None


def _checked_profile(profile: Any, file: Path) -> Mapping[str, str]:
    if not isinstance(profile, dict):
        raise ConfigError(f"Each profile in {file} is a table of texts.")
    table = cast("dict[str, Any]", profile)
    if not all(isinstance(value, str) for value in table.values()):
        raise ConfigError(f"Each profile in {file} is a table of texts.")
    if unknown := sorted(table.keys() - _KEYS):
        allowed = ", ".join(sorted(_KEYS))
        raise ConfigError(f"A profile in {file} holds {', '.join(unknown)}; it may hold {allowed}.")
    return table


def expanded(path: str) -> Path:
    """Put the user's home where the path has `~`."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  Path.expanduser fails for a user without a home


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read."""
    return error.strerror or "unknown" if isinstance(error, OSError) else "not UTF-8"
