"""Connections of the migrations: one at a time, outside the server's pool."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg

from firmtrail_server.db.connection_limits import conninfo
from firmtrail_server.db.schema.errors import DatabaseNotReachable

Connection = psycopg.Connection[tuple[Any, ...]]

_DRIVER_SCHEME = "postgresql+psycopg://"


def connect(database_url: str) -> Connection:
    """Open a connection without transactions of its own.

    Raises:
        DatabaseNotReachable: there is none to be had, or the URL is none.
    """
    if database_url.startswith(_DRIVER_SCHEME):
        database_url = "postgresql://" + database_url.removeprefix(_DRIVER_SCHEME)
    with suppress(psycopg.Error):  # and not a cause or context: for a malformed URL it quotes the password
        return psycopg.connect(conninfo(database_url), autocommit=True)
    raise DatabaseNotReachable
