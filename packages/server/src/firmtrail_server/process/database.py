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
def database(settings: Settings, *, make: bool = True) -> Generator[tuple[str, Watch | None]]:
    """Give the URL of the database, and for the embedded one what watches it.

    Args:
        settings: which database.
        make: whether an embedded one is made where there is none. Commands that mean the server's database make none:
            it would be a second one, in whichever folder they are started in.

    Raises:
        NoDatabase: the embedded one is not installed, not there, does not start or does not stop.
    """
    if settings.database_url is not None:
        yield settings.database_url, None
        return
    try:  # the extra `embedded`
        from firmtrail_postgres import EmbeddedDatabase, EmbeddedDatabaseError, holds_database  # noqa: PLC0415
        from firmtrail_postgres.watching import watch  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise NoDatabase(
            "No database is configured and the embedded PostgreSQL is not installed: "
            "set FIRMTRAIL_DATABASE_URL, or install firmtrail-server[embedded]."
        ) from error
    if not make and not holds_database(settings.data_dir):
        raise NoDatabase(
            f"There is no database in {settings.data_dir.absolute()}. Name the server's: --data-dir or "
            "FIRMTRAIL_DATA_DIR for an embedded one, FIRMTRAIL_DATABASE_URL for another. "
            "To make a new one here, run first: firmtrail-server migrate"
        )
    embedded = EmbeddedDatabase(settings.data_dir, bin_dir=settings.pg_bin, user=settings.pg_user)
    try:
        with embedded as url:
            yield url, partial(watch, embedded)
    except EmbeddedDatabaseError as error:
        raise NoDatabase(str(error)) from error
