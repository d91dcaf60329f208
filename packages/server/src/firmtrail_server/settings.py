"""Every setting of the server, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import attrs
import psycopg
from psycopg.conninfo import conninfo_to_dict

Network = IPv4Network | IPv6Network

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}
_MAX_PORT = 65_535


class BadSetting(Exception):
    """A setting that the server cannot start with; the message names the variable."""


@attrs.frozen(kw_only=True)
class Settings:
    """What the operator decides. Each field says its variable."""

    #: FIRMTRAIL_DATABASE_URL or FIRMTRAIL_DATABASE_URL_FILE; None: the embedded PostgreSQL
    database_url: str | None = attrs.field(default=None, repr=False)
    #: FIRMTRAIL_DATA_DIR, where the embedded PostgreSQL keeps its data
    data_dir: Path = Path(".firmtrail")
    #: FIRMTRAIL_PG_BIN, the folder of PostgreSQL's programs; None: look for them
    pg_bin: Path | None = None
    #: FIRMTRAIL_PG_USER, who runs the embedded PostgreSQL when root starts the server
    pg_user: str | None = None
    #: FIRMTRAIL_HOST
    host: str = "127.0.0.1"
    #: FIRMTRAIL_PORT; 0: any free one
    port: int = 8080
    #: FIRMTRAIL_TRUSTED_PROXIES, networks whose X-Forwarded-For is believed
    trusted_proxies: tuple[Network, ...] = ()
    #: FIRMTRAIL_SEED_ENABLED, whether anyone may make a demo project
    seed_enabled: bool = False


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the environment; an empty variable counts as unset.

    Raises:
        BadSetting: a value cannot be used.
    """
    pg_bin = environment.get("FIRMTRAIL_PG_BIN")
    return Settings(
        database_url=_database_url(environment),
        data_dir=Path(environment.get("FIRMTRAIL_DATA_DIR") or ".firmtrail"),
        pg_bin=Path(pg_bin) if pg_bin else None,
        pg_user=environment.get("FIRMTRAIL_PG_USER") or None,
        host=environment.get("FIRMTRAIL_HOST") or "127.0.0.1",
        port=_port(environment.get("FIRMTRAIL_PORT") or "8080"),
        trusted_proxies=_networks(environment.get("FIRMTRAIL_TRUSTED_PROXIES") or ""),
        seed_enabled=_flag("FIRMTRAIL_SEED_ENABLED", environment.get("FIRMTRAIL_SEED_ENABLED") or ""),
    )


def _database_url(environment: Mapping[str, str]) -> str | None:
    url, file = environment.get("FIRMTRAIL_DATABASE_URL"), environment.get("FIRMTRAIL_DATABASE_URL_FILE")
    if url and file:
        raise BadSetting("Set FIRMTRAIL_DATABASE_URL or FIRMTRAIL_DATABASE_URL_FILE, not both.")
    if file:
        try:
            url = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(f"FIRMTRAIL_DATABASE_URL_FILE names a file that cannot be read: {file}.") from error
    if url and not _is_database_url(url):
        raise BadSetting("FIRMTRAIL_DATABASE_URL is not a URL such as postgresql://user:password@host:5432/firmtrail.")
    return url or None


def _is_database_url(url: str) -> bool:
    """Whether psycopg can read it. What it cannot read is in no error: it may hold a password in any place."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    return url.startswith(("postgresql://", "postgres://"))


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadSetting(
            f"FIRMTRAIL_TRUSTED_PROXIES must be networks such as 10.0.0.0/8, separated by commas: {error}."
        ) from error


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_PORT):
        raise BadSetting(f"FIRMTRAIL_PORT must be a number from 0 to {_MAX_PORT}.")
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise BadSetting(f"{name} must be true or false.")
    return text.lower() in _TRUE
