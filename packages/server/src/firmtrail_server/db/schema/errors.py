"""What keeps a schema from being used or changed. No message holds the database's URL: it may hold a password.

SchemaError
├── DatabaseNotReachable
├── SchemaAccessRefused  the database answers, and says no
├── SchemaTooOld         also an Unavailable, when it is found out by a request
├── LeaseHeld            another process migrates
├── LeaseLost            another process has taken over
├── LockNotGiven         others use what a migration must have alone
├── MigrationFailed
└── MigrationNotFound
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import psycopg

from firmtrail_server.errors import Unavailable


class SchemaError(Exception):
    """The schema is not what this server needs. The message says what to do."""


class DatabaseNotReachable(SchemaError):
    def __init__(self) -> None:
        super().__init__(
            "The database does not answer, or refuses this user. Check FIRMTRAIL_DATABASE_URL and that it runs."
        )


class SchemaAccessRefused(SchemaError):
    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(
            f"The database does not let this user do that: {first_line(error)}."
            " To serve, the user must be allowed to read and write tables there; to migrate, to make and change them."
        )


class SchemaTooOld(SchemaError, Unavailable):
    def __init__(self, pending: Sequence[str]) -> None:
        super().__init__(f"The database lacks {len(pending)} migration(s); run: firmtrail-server migrate")


class LeaseHeld(SchemaError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"Another process has been migrating this database for {seconds:.0f} s. Try again later.")


class LeaseLost(SchemaError):
    def __init__(self) -> None:
        super().__init__("This process was held up for so long that another one has taken over the migration.")


class LockNotGiven(SchemaError):
    def __init__(self, migration_id: str, seconds: float) -> None:
        super().__init__(
            f"The migration {migration_id} did not get its lock in {seconds:.0f} s: another transaction stays open."
            " /readyz names the oldest one; end it, or try again later. The migrations before this one are done."
        )


class MigrationFailed(SchemaError):
    def __init__(self, migration_id: str, error: psycopg.Error) -> None:
        super().__init__(f"The migration {migration_id} failed: {first_line(error)}. Those before it are done.")


class MigrationNotFound(SchemaError):
    def __init__(self, migration_id: str) -> None:
        super().__init__(f"The migration {migration_id} is not applied here, so there is no going down to it.")


def first_line(error: psycopg.Error) -> str:
    """What happened, without the statement and the hints that follow."""
    return str(error).partition("\n")[0]


@contextmanager
def explained() -> Generator[None]:
    """Let no error of the driver out of the block, only ours.

    Raises:
        DatabaseNotReachable: the connection broke.
        SchemaAccessRefused: the database answered, and said no.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseNotReachable from error
    except psycopg.Error as error:
        raise SchemaAccessRefused(error) from error
