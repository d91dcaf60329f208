"""The PostgreSQL of the benchmarks, a real one."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from bench.cluster import Cluster, open_transaction, running_cluster


@pytest.fixture
def cluster() -> Generator[Cluster]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with running_cluster(Path(folder) / "postgres") as cluster:
            yield cluster


def test_an_open_transaction_is_serializable_and_has_read(cluster: Cluster) -> None:
    url = cluster.create("read", with_tables=True)
    held = "select count(*) from pg_locks where mode = 'SIReadLock' and relation = 'device_firmware'::regclass"

    with psycopg.connect(url) as conn:
        before = conn.execute(held).fetchone()
        with open_transaction(url):
            beside = conn.execute(held).fetchone()

    assert (before, beside) == ((0,), (1,))
