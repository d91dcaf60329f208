"""A PostgreSQL with the generated fleet in it, kept between runs: to fill it takes minutes, to start it seconds."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.cluster import Cluster, running_cluster
from bench.command import say
from bench.fleet_questions.fleet import Fleet
from bench.fleet_questions.storing import store
from firmtrail_server.db.schema import MIGRATIONS

_DATABASE = "fleet"
_HERE = Path(__file__).parent
_GENERATOR = ("rollouts.py", "changes.py", "fleet.py", "storing.py")
#: Statements are counted and timed where they run; plans are written to the log when `plans.py` asks for them.
_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "pg_stat_statements.track_planning": "on",
    "pg_stat_statements.track_utility": "off",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
}


@dataclass(frozen=True)
class Stored:
    """A fleet in a PostgreSQL that runs."""

    cluster: Cluster
    #: of the fleet's database
    url: str
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "server.log"


@contextmanager
def stored_fleet(folder: Path, fleet: Fleet, *, fresh: bool) -> Generator[Stored]:
    """Run a PostgreSQL with this fleet for as long as the block lasts; fill it unless it is there.

    It lies in `folder`, under a name that tells its size, the seed, the generator's text and the migrations.
    """
    place = folder / f"{fleet.devices}-{key_of(fleet)}"
    filled = place / "filled"
    if fresh or not filled.exists():
        for old in folder.glob(f"{fleet.devices}-*"):  # also those of other migrations
            shutil.rmtree(old)
    with running_cluster(place, _SETTINGS) as cluster:
        url = urlunsplit(urlsplit(cluster.url)._replace(path=f"/{_DATABASE}"))
        if not filled.exists():
            store(cluster.create(_DATABASE, with_tables=True), fleet)
            filled.touch()
        else:
            say(f"taking the fleet in {place}")
        let_time_pass(url)
        yield Stored(cluster, url, place)


def key_of(fleet: Fleet) -> str:
    """Tell apart what would be stored differently."""
    digest = hashlib.sha256(repr(fleet).encode())
    for part in _texts():
        digest.update(part)
    return digest.hexdigest()[:12]


def let_time_pass(url: str) -> None:
    """Move the last reports up to now, as if the fleet had gone on reporting the same."""
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            update device_firmware
               set heard_at = heard_at + passed, last_reported_at = last_reported_at + passed
              from (select now() - max(heard_at) as passed from device_firmware) as time
            """
        )
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze device_firmware")
        conn.execute("checkpoint")


def _texts() -> Iterator[bytes]:
    for name in _GENERATOR:
        yield (_HERE / name).read_bytes()
    for migration in sorted(MIGRATIONS.glob("*.sql")):
        yield migration.read_bytes()
