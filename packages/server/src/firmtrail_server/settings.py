"""Every setting of the server, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import attrs
import psycopg
from psycopg.conninfo import conninfo_to_dict

from firmtrail_server.auth.credentials import PASSWORD_COST
from firmtrail_server.auth.signing_keys import BadSigningKeys, SigningKeys, read_signing_keys
from firmtrail_server.secret_sources import SecretSources, SecretUnreadable
from firmtrail_server.services.mail import BadSmtp, Smtp, read_smtp
from firmtrail_server.telemetry.logs import LogFormat

Choice = TypeVar("Choice", bound=StrEnum)
Network = IPv4Network | IPv6Network

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}
_MAX_PORT = 65_535
_MAX_WORKERS = 64
_MIN_METRICS_TOKEN = 16
_MIN_TOKEN_SECONDS, _MAX_TOKEN_SECONDS = 60, 86_400
_MAX_FEED_DAYS = 3_650
_MAX_EXPORTS = 16
_MIN_EXPORT_SECONDS, _MAX_EXPORT_SECONDS = 10, 3_600
_MAX_SESSION_DAYS = 365
_MIN_INTERVAL, _MAX_INTERVAL = 10, 31 * 24 * 3600
_MIN_REFRESH, _MAX_REFRESH = 1, 86_400


class SignUpMode(StrEnum):
    """Who may become a user by oneself."""

    OPEN = "open"
    INVITED = "invited"
    OFF = "off"


class BadSetting(Exception):
    """A setting that the server cannot start with; the message names the variable."""


@attrs.frozen(kw_only=True)
class Settings:
    """What the operator decides. Each field says its variable."""

    #: FIRMTRAIL_DATABASE_URL, with what FIRMTRAIL_DATABASE_USER and FIRMTRAIL_DATABASE_PASSWORD say instead of it;
    #: None: the embedded PostgreSQL
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
    #: FIRMTRAIL_WORKERS, how many processes serve on the port
    workers: int = 1
    #: FIRMTRAIL_LOG_FORMAT, how a line of the log is written
    log_format: LogFormat = LogFormat.TEXT
    #: FIRMTRAIL_LOG_REQUESTS, whether each request has its line
    log_requests: bool = False
    #: FIRMTRAIL_METRICS_TOKEN, which opens /metrics; None: nothing does
    metrics_token: str | None = attrs.field(default=None, repr=False)
    #: FIRMTRAIL_TRUSTED_PROXIES, networks whose X-Forwarded-For and X-Forwarded-Proto are believed
    trusted_proxies: tuple[Network, ...] = ()
    #: FIRMTRAIL_SEED_ENABLED, whether anyone may make a demo project
    seed_enabled: bool = False
    #: FIRMTRAIL_PAGES, whether the server has pages for people beside its API
    pages_enabled: bool = True
    #: FIRMTRAIL_PUBLIC_URL, where clients reach this installation; None: where the server listens
    public_url: str | None = None
    #: FIRMTRAIL_SIGNING_KEYS; None: keys are kept beside the embedded PostgreSQL
    signing_keys: SigningKeys | None = attrs.field(default=None, repr=False)
    #: FIRMTRAIL_TOKEN_SECONDS, the life of an access token
    token_seconds: int = 900
    #: FIRMTRAIL_DEVICE_TOKEN_SECONDS, the same for the key of a device
    device_token_seconds: int = 86_400
    #: FIRMTRAIL_SESSION_IDLE_DAYS: a session that is not used for so long ends
    session_idle_days: int = 30
    #: FIRMTRAIL_SESSION_DAYS: a session ends so long after its login, however much it is used
    session_days: int = 90
    #: FIRMTRAIL_REPORT_INTERVAL_SECONDS, how long devices are asked to wait between reports; None: as they like
    report_interval_seconds: int | None = None
    #: FIRMTRAIL_MAX_EXPORTS, how many exports a worker runs at once
    max_exports: int = 2
    #: FIRMTRAIL_EXPORT_SECONDS, how long an export that is not resumable may take
    export_seconds: float = 60

    #: FIRMTRAIL_FEED_DAYS, how long changes are kept in the feed
    feed_days: int = 90
    #: FIRMTRAIL_SIGN_UP, who may become a user by oneself
    sign_up: SignUpMode = SignUpMode.OPEN
    #: FIRMTRAIL_SMTP_URL and FIRMTRAIL_SMTP_FROM; None: no e-mail is sent
    smtp: Smtp | None = None
    #: FIRMTRAIL_SECRETS_REFRESH_SECONDS, how often secrets are read again
    secrets_refresh_seconds: int = 300
    #: the cost of bcrypt for passwords; no variable: only tests lower it
    password_cost: int = PASSWORD_COST

    @property
    def issuer(self) -> str:
        """Who issues access tokens, and the beginning of the URLs in the metadata."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


class SettingsReader:
    """Reads the environment, and again: logins to the stores of secrets are kept in between."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._sources = SecretSources(environment)

    def read(self) -> Settings:
        """Read all; an empty variable counts as unset. Blocks, where a secret is kept in a store.

        Secrets come from their variable, the file that its twin with _FILE names, a systemd credential or a store
        (secret_sources/).

        Raises:
            BadSetting: a value cannot be used.
        """
        try:
            return _settings(self._environment, self._sources)
        except SecretUnreadable as error:
            raise BadSetting(str(error)) from None

    def due_seconds(self) -> float | None:
        """Say in how many seconds to read again, so that no login and no lease ends; None: whenever."""
        return self._sources.due_seconds()

    @property
    def read_once(self) -> Mapping[str, str]:
        """What came from pipes, by variable: nobody can read it again."""
        return self._sources.read_once


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the environment once, see `SettingsReader.read`."""
    return SettingsReader(environment).read()


def _settings(environment: Mapping[str, str], secrets: SecretSources) -> Settings:
    pg_bin = environment.get("FIRMTRAIL_PG_BIN")
    return Settings(
        database_url=_database_url(secrets),
        data_dir=Path(environment.get("FIRMTRAIL_DATA_DIR") or ".firmtrail"),
        pg_bin=Path(pg_bin) if pg_bin else None,
        pg_user=environment.get("FIRMTRAIL_PG_USER") or None,
        host=environment.get("FIRMTRAIL_HOST") or "127.0.0.1",
        port=_number("FIRMTRAIL_PORT", environment.get("FIRMTRAIL_PORT") or "8080", 0, _MAX_PORT),
        workers=_number("FIRMTRAIL_WORKERS", environment.get("FIRMTRAIL_WORKERS") or "1", 1, _MAX_WORKERS),
        log_format=_one_of("FIRMTRAIL_LOG_FORMAT", LogFormat, environment.get("FIRMTRAIL_LOG_FORMAT") or "text"),
        log_requests=_flag("FIRMTRAIL_LOG_REQUESTS", environment.get("FIRMTRAIL_LOG_REQUESTS") or ""),
        metrics_token=_metrics_token(secrets.read("FIRMTRAIL_METRICS_TOKEN")),
        trusted_proxies=_networks(environment.get("FIRMTRAIL_TRUSTED_PROXIES") or ""),
        seed_enabled=_flag("FIRMTRAIL_SEED_ENABLED", environment.get("FIRMTRAIL_SEED_ENABLED") or ""),
        pages_enabled=_flag("FIRMTRAIL_PAGES", environment.get("FIRMTRAIL_PAGES") or "true"),
        public_url=_public_url(environment.get("FIRMTRAIL_PUBLIC_URL") or ""),
        signing_keys=_signing_keys(secrets.read("FIRMTRAIL_SIGNING_KEYS")),
        token_seconds=_number(
            "FIRMTRAIL_TOKEN_SECONDS",
            environment.get("FIRMTRAIL_TOKEN_SECONDS") or "900",
            _MIN_TOKEN_SECONDS,
            _MAX_TOKEN_SECONDS,
        ),
        device_token_seconds=_number(
            "FIRMTRAIL_DEVICE_TOKEN_SECONDS",
            environment.get("FIRMTRAIL_DEVICE_TOKEN_SECONDS") or "86400",
            _MIN_TOKEN_SECONDS,
            _MAX_TOKEN_SECONDS,
        ),
        session_idle_days=_days("FIRMTRAIL_SESSION_IDLE_DAYS", environment, "30"),
        session_days=_days("FIRMTRAIL_SESSION_DAYS", environment, "90"),
        report_interval_seconds=_interval(environment.get("FIRMTRAIL_REPORT_INTERVAL_SECONDS")),
        feed_days=_number("FIRMTRAIL_FEED_DAYS", environment.get("FIRMTRAIL_FEED_DAYS") or "90", 1, _MAX_FEED_DAYS),
        max_exports=_number("FIRMTRAIL_MAX_EXPORTS", environment.get("FIRMTRAIL_MAX_EXPORTS") or "2", 1, _MAX_EXPORTS),
        export_seconds=_number(
            "FIRMTRAIL_EXPORT_SECONDS",
            environment.get("FIRMTRAIL_EXPORT_SECONDS") or "60",
            _MIN_EXPORT_SECONDS,
            _MAX_EXPORT_SECONDS,
        ),
        sign_up=_one_of("FIRMTRAIL_SIGN_UP", SignUpMode, environment.get("FIRMTRAIL_SIGN_UP") or "open"),
        smtp=_smtp(secrets.read("FIRMTRAIL_SMTP_URL"), environment.get("FIRMTRAIL_SMTP_FROM")),
        secrets_refresh_seconds=_number(
            "FIRMTRAIL_SECRETS_REFRESH_SECONDS",
            environment.get("FIRMTRAIL_SECRETS_REFRESH_SECONDS") or "300",
            _MIN_REFRESH,
            _MAX_REFRESH,
        ),
    )


def _database_url(secrets: SecretSources) -> str | None:
    url = secrets.read("FIRMTRAIL_DATABASE_URL")
    user, password = secrets.read("FIRMTRAIL_DATABASE_USER"), secrets.read("FIRMTRAIL_DATABASE_PASSWORD")
    if url and not _is_database_url(url):
        raise BadSetting("FIRMTRAIL_DATABASE_URL is not a URL such as postgresql://user:password@host:5432/firmtrail.")
    if url is None and (user or password):
        raise BadSetting("FIRMTRAIL_DATABASE_USER and FIRMTRAIL_DATABASE_PASSWORD need FIRMTRAIL_DATABASE_URL.")
    return url and _with_user(url, user, password)


def _with_user(url: str, user: str | None, password: str | None) -> str:
    """Put a user or a password in the place of those of a URL, which may name several hosts."""
    scheme, _, rest = url.partition("://")
    end = min(found for mark in "/?" if (found := f"{rest}{mark}".find(mark)) >= 0)
    login, _, hosts = rest[:end].rpartition("@")
    old_user, colon, old_password = login.partition(":")
    new_user = quote(user, safe="") if user else old_user
    new_password = f":{quote(password, safe='')}" if password else colon + old_password
    new_login = f"{new_user}{new_password}@" if new_user or new_password else ""
    return f"{scheme}://{new_login}{hosts}{rest[end:]}"


def _is_database_url(url: str) -> bool:
    """Whether psycopg can read it. What it cannot read is in no error: it may hold a password in any place."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    return url.startswith(("postgresql://", "postgres://"))


def _signing_keys(text: str | None) -> SigningKeys | None:
    try:
        return read_signing_keys(text) if text else None
    except BadSigningKeys as error:
        raise BadSetting(f"FIRMTRAIL_SIGNING_KEYS {error}.") from None


def _metrics_token(text: str | None) -> str | None:
    """Long, since nothing limits how often it is guessed."""
    if text and not (text.isascii() and text.isprintable() and " " not in text and len(text) >= _MIN_METRICS_TOKEN):
        raise BadSetting(
            f"FIRMTRAIL_METRICS_TOKEN must have at least {_MIN_METRICS_TOKEN} letters, digits or marks of ASCII; "
            "make one with: openssl rand -hex 32"
        )
    return text


def _public_url(text: str) -> str | None:
    """An issuer is compared letter by letter, so it has one spelling: without a slash at its end."""
    try:
        url = urlsplit(text)
        is_usable = url.scheme in {"http", "https"} and url.hostname and (url.port or 1)
    except ValueError:
        is_usable = False
    if text and (not is_usable or not text.isascii() or any(mark in text for mark in "?#@ ")):
        raise BadSetting("FIRMTRAIL_PUBLIC_URL must be a URL such as https://firmtrail.example.com, without a query.")
    return text.rstrip("/") or None


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadSetting(
            f"FIRMTRAIL_TRUSTED_PROXIES must be networks such as 10.0.0.0/8, separated by commas: {error}."
        ) from error


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise BadSetting(f"{name} must be a number from {least} to {most}.")
    return int(text)


def _days(name: str, environment: Mapping[str, str], default: str) -> int:
    return _number(name, environment.get(name) or default, 1, _MAX_SESSION_DAYS)


def _interval(text: str | None) -> int | None:
    return _number("FIRMTRAIL_REPORT_INTERVAL_SECONDS", text, _MIN_INTERVAL, _MAX_INTERVAL) if text else None


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise BadSetting(f"{name} must be true or false.")
    return text.lower() in _TRUE


def _one_of(name: str, kind: type[Choice], text: str) -> Choice:
    if text not in set(kind):
        raise BadSetting(f"{name} must be one of {', '.join(kind)}.")
    return kind(text)


def _smtp(url: str | None, sender: str | None) -> Smtp | None:
    if url is None:
        return None
    try:
        return read_smtp(url, sender or "")
    except BadSmtp as error:
        raise BadSetting(str(error)) from None
