"""The database's schema: what this server needs, and how it is brought there."""

from firmtrail_server.db.schema.errors import (
    DatabaseNotReachable,
    LeaseHeld,
    LeaseLost,
    LockNotGiven,
    MigrationFailed,
    MigrationNotFound,
    SchemaAccessRefused,
    SchemaError,
    SchemaTooOld,
)
from firmtrail_server.db.schema.migrating import MIGRATIONS, migrate, pending_migrations, plan_of, roll_back

__all__ = [
    "MIGRATIONS",
    "DatabaseNotReachable",
    "LeaseHeld",
    "LeaseLost",
    "LockNotGiven",
    "MigrationFailed",
    "MigrationNotFound",
    "SchemaAccessRefused",
    "SchemaError",
    "SchemaTooOld",
    "migrate",
    "pending_migrations",
    "plan_of",
    "roll_back",
]
