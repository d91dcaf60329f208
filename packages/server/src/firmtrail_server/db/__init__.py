"""The database: the pool and its transactions, the link for single statements, and values on their way in and out."""

from firmtrail_server.db.address import Address, Connection
from firmtrail_server.db.arrays import array, bytea_array, text_array
from firmtrail_server.db.database import Database, Transaction
from firmtrail_server.db.draining import Drain
from firmtrail_server.db.failures import Collided
from firmtrail_server.db.link import Link
from firmtrail_server.db.rows import one, rows

__all__ = [
    "Address",
    "Collided",
    "Connection",
    "Database",
    "Drain",
    "Link",
    "Transaction",
    "array",
    "bytea_array",
    "one",
    "rows",
    "text_array",
]
