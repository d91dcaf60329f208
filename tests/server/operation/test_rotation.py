"""Secrets that are replaced while the server runs: the database's password, signing keys, the token of /metrics."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import attrs
import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from firmtrail_postgres import EmbeddedDatabase
from firmtrail_server.app import create_app
from firmtrail_server.auth.announced_keys import AnnouncedKeys
from firmtrail_server.auth.signing_keys import new_signing_keys
from firmtrail_server.db.schema import migrate
from firmtrail_server.settings import SettingsReader
from tests.served import Server, serving
from tests.server.conftest import seed
from tests.server.server_process import ServerProcess
from tests.server.vault_stand_in import VaultStandIn, vault_stand_in

TOKEN = "planted-metrics-token"
OLD, NEW = "planted-old-word", "planted-new-word"


def test_a_new_key_signs_only_when_all_servers_know_it() -> None:
    old = new_signing_keys()
    announced, rotated = AnnouncedKeys(old, 600), old.with_new_key()

    assert announced.ordered(rotated, 0).signing_id == old.signing_id
    assert {*announced.ordered(rotated, 599).by_id} == {*rotated.by_id}
    assert announced.ordered(rotated, 599).signing_id == old.signing_id
    assert announced.ordered(rotated, 600) == rotated


def test_a_key_that_was_taken_out_is_neither_used_nor_believed() -> None:
    announced, replaced = AnnouncedKeys(new_signing_keys(), 600), new_signing_keys()

    assert announced.ordered(replaced, 0) == replaced


@attrs.frozen
class Rotated:
    """A server whose secrets are in files."""

    server: Server
    http: httpx.AsyncClient
    keys: Path
    token: Path


@pytest.fixture
async def rotated(database_url: str, tmp_path: Path) -> AsyncGenerator[Rotated]:
    keys, token = tmp_path / "keys", tmp_path / "token"
    keys.write_text(new_signing_keys().as_text())
    token.write_text(TOKEN)
    reader = SettingsReader(
        {
            "FIRMTRAIL_SEED_ENABLED": "true",
            "FIRMTRAIL_SIGNING_KEYS_FILE": str(keys),
            "FIRMTRAIL_METRICS_TOKEN_FILE": str(token),
        }
    )
    async with (
        serving(create_app(reader.read(), database_url, reader=reader)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        yield Rotated(server, http, keys, token)


async def test_another_metrics_token_is_taken_without_a_restart(rotated: Rotated) -> None:
    rotated.token.write_text(TOKEN[::-1])
    await rotated.server.app.rotation.look()

    answers = [
        await rotated.http.get("/metrics", headers={"Authorization": f"Bearer {t}"}) for t in (TOKEN, TOKEN[::-1])
    ]
    assert [answer.status_code for answer in answers] == [401, 200]


async def test_tokens_of_a_key_that_is_gone_are_refused_at_once(rotated: Rotated) -> None:
    demo = await seed(rotated.http)
    form = {"grant_type": "client_credentials"}
    token = (await rotated.http.post("/v1/oauth/token", data=form, auth=demo.project_key)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    before = await rotated.http.get("/v1/projects/current", headers=headers)
    rotated.keys.write_text(new_signing_keys().as_text())
    await rotated.server.app.rotation.look()

    after = await rotated.http.get("/v1/projects/current", headers=headers)
    by_secret = await rotated.http.get("/v1/projects/current", auth=demo.project_key)

    assert (before.status_code, after.status_code, by_secret.status_code) == (200, 401, 200)


async def test_a_source_that_cannot_be_read_changes_nothing_and_is_named(
    rotated: Rotated, caplog: pytest.LogCaptureFixture
) -> None:
    rotated.token.unlink()
    await rotated.server.app.rotation.look()

    answer = await rotated.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert "FIRMTRAIL_METRICS_TOKEN_FILE" in caplog.text


@attrs.frozen
class Protected:
    """A database that asks for a password, and the Vault that keeps it."""

    admin_url: str
    url: str
    vault: VaultStandIn

    def set_password(self, password: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            conn.execute(sql.SQL("alter role app password {}").format(password))

    def oldest_connection(self) -> dt.datetime | None:
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            row = conn.execute("select min(backend_start) from pg_stat_activity where usename = 'app'").fetchone()
        assert row is not None
        return row[0]

    def end_connections(self) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'")


@pytest.fixture
def protected() -> Generator[Protected]:
    """A PostgreSQL of the test's own, since pg_hba.conf is one for all databases."""
    root = Path(tempfile.mkdtemp(prefix="firmtrail-rotation-"))
    root.chmod(0o711)
    try:
        with EmbeddedDatabase(root / "data") as admin_url, vault_stand_in() as vault:
            place = conninfo_to_dict(admin_url)
            with psycopg.connect(admin_url, autocommit=True) as conn:
                conn.execute("create role app login createrole password 'planted-old-word'")
                conn.execute("create database app owner app")
                row = conn.execute("show hba_file").fetchone()
                assert row is not None
                hba = Path(row[0])
                hba.write_text(f"local all app scram-sha-256\n{hba.read_text()}")
                conn.execute("select pg_reload_conf()")
            vault.secrets["kv/db"] = {"password": OLD}
            host = quote(str(place["host"]), safe="")
            port = place.get("port", 5432)
            yield Protected(admin_url, f"postgresql://app@/app?host={host}&port={port}", vault)
    finally:
        shutil.rmtree(root)


class Load:
    """Reports and reads without a pause, from several clients, and what was answered."""

    def __init__(self, url: str) -> None:
        self.url, self.statuses, self._stop = url, list[int](), threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(4)]
        made = httpx.post(f"{url}/v1/seed").raise_for_status().json()
        self.path = f"{url}/v1/devices/{made['device']['id']}/firmware_version"
        self.device, self.project = (
            (made[key]["id"], made[key]["secret"]) for key in ("device_api_key", "project_api_key")
        )

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, requests: int = 60) -> None:
        """Wait until so many more are answered."""
        enough = len(self.statuses) + requests
        while len(self.statuses) < enough:
            time.sleep(0.01)

    def _work(self, number: int) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._stop.is_set():
                if number % 2:
                    answer = client.post(self.path, auth=self.device, json={"version": f"{number}"})
                else:
                    answer = client.get(self.path, auth=self.project)
                self.statuses.append(answer.status_code)


@contextmanager
def loaded(protected: Protected, **more: str) -> Generator[tuple[ServerProcess, Load]]:
    """A server under load, whose password is in Vault; it stops in order, and shows no password."""
    migrate(protected.url.replace("app@", f"app:{OLD}@"))
    process = ServerProcess(
        "serve",
        FIRMTRAIL_DATABASE_URL=protected.url,
        FIRMTRAIL_DATABASE_PASSWORD="vault://kv/db#password",
        FIRMTRAIL_VAULT_URL=protected.vault.url,
        FIRMTRAIL_VAULT_TOKEN=protected.vault.issue(),
        FIRMTRAIL_SEED_ENABLED="true",
        **more,
    )
    try:
        with Load(process.url()) as load:
            load.goes_on()
            yield process, load
    finally:
        assert process.stop() == 0
    assert "planted" not in process.said


def test_no_request_fails_while_the_database_password_is_replaced(protected: Protected) -> None:
    with loaded(protected, FIRMTRAIL_WORKERS="2", FIRMTRAIL_SECRETS_REFRESH_SECONDS="1") as (_, load):
        replaced_at = dt.datetime.now(dt.UTC)
        protected.set_password(NEW)
        protected.vault.secrets["kv/db"] = {"password": NEW}
        while (oldest := protected.oldest_connection()) is None or oldest < replaced_at:
            load.goes_on(20)

    assert {status for status in load.statuses if status >= 400} == set()


def test_a_refused_password_is_read_anew_at_once(protected: Protected) -> None:
    with loaded(protected, FIRMTRAIL_SECRETS_REFRESH_SECONDS="86400") as (process, load):
        protected.set_password(NEW)
        protected.vault.secrets["kv/db"] = {"password": NEW}
        protected.end_connections()
        load.goes_on()
        seen = len(load.statuses)
        load.goes_on()

    assert {status for status in load.statuses if status >= 400} <= {503}, "of transactions that were cut off"
    assert max(load.statuses[seen:]) < 400
    assert "another database_url is used from now on" in process.said
