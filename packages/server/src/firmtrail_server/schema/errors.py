"""What keeps a schema from being changed. No message holds the database's URL: it may hold a password.

SchemaError
├── DatabaseNotReachable
├── LeaseHeld            another process migrates
├── LeaseLost            another process has taken over
└── MigrationFailed
"""

from __future__ import annotations


class SchemaError(Exception):
    """The schema is not what this server needs. The message says what to do."""


class DatabaseNotReachable(SchemaError):
    def __init__(self) -> None:
        super().__init__(
            "The database does not answer, or refuses this user. Check FIRMTRAIL_DATABASE_URL and that it runs."
        )


class LeaseHeld(SchemaError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"Another process has been migrating this database for {seconds:.0f} s. Try again later.")


class LeaseLost(SchemaError):
    def __init__(self) -> None:
        super().__init__("This process was held up for so long that another one has taken over the migration.")


class MigrationFailed(SchemaError):
    def __init__(self, migration_id: str, reason: str) -> None:
        super().__init__(f"The migration {migration_id} failed: {reason}. Those before it are applied.")
