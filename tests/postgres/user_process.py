"""A process that uses the embedded PostgreSQL: started by tests, told to leave by the end of its standard input.

usage: user_process.py ROOT [BIN_DIR]
"""

from __future__ import annotations

import sys
from pathlib import Path

from firmtrail_postgres import EmbeddedDatabase, EmbeddedDatabaseError


def main(root: Path, bin_dir: Path | None = None) -> None:
    database = EmbeddedDatabase(root, bin_dir=bin_dir, settings={"fsync": "off"})
    url = database.start()
    try:
        print(url, flush=True)  # noqa: T201  what the test waits for
        sys.stdin.read()
    finally:
        print("stopped" if database.stop() else "left", flush=True)  # noqa: T201  the same


if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:]))
    except EmbeddedDatabaseError as error:
        sys.exit(f"{type(error).__name__}: {error}")
