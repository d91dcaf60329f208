"""`firmtrail-server serve --workers 2`: several processes on one port, and a parent that looks after them."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import httpx
import psycopg
import pytest

from firmtrail_postgres.locks import wait_for
from firmtrail_server.auth.login_throttle import MAX_FAILURES_OF_A_KEY
from tests.conftest import made_database
from tests.postgres.conftest import is_alive
from tests.server.conftest import Demo
from tests.server.server_process import TIMEOUT_SECONDS, ServerProcess, children

#: so many that it would be a miracle if one worker got them all
MANY = 32
PASSWORD = "hidden-word"
METRICS_TOKEN = "hidden-metrics-token"


@attrs.frozen
class Workers:
    """A server of two workers."""

    process: ServerProcess
    url: str
    database_url: str

    @property
    def pids(self) -> list[int]:
        return children(self.process.pid)

    @contextmanager
    def connections(self) -> Generator[list[httpx.Client]]:
        """Clients that each keep a connection of their own, so that every worker has some of them."""
        with ExitStack() as stack:
            clients = [stack.enter_context(httpx.Client(base_url=self.url, timeout=60)) for _ in range(MANY)]
            for client in clients:
                client.get("/healthz").raise_for_status()
            yield clients

    def seed(self) -> Demo:
        made = httpx.post(f"{self.url}/v1/seed").raise_for_status().json()
        return Demo(
            project_id=made["project"]["id"],
            device_id=made["device"]["id"],
            project_key=(made["project_api_key"]["id"], made["project_api_key"]["secret"]),
            device_key=(made["device_api_key"]["id"], made["device_api_key"]["secret"]),
        )


def wait_until(state: Callable[[], bool]) -> None:
    assert wait_for(state, time.monotonic() + TIMEOUT_SECONDS)


@pytest.fixture
def workers(database_url: str) -> Generator[Workers]:
    with started(database_url) as workers:
        yield workers


@pytest.fixture(scope="module")
def kept_database_url(postgres: psycopg.Connection, cluster_url: str, template_database: str) -> Generator[str]:
    yield from made_database(postgres, cluster_url, template_database)


@pytest.fixture(scope="module")
def kept_workers(kept_database_url: str) -> Generator[Workers]:
    """For tests that leave them as they were."""
    with started(kept_database_url.replace("firmtrail@", f"firmtrail:{PASSWORD}@")) as workers:
        yield workers


@contextmanager
def started(database_url: str) -> Generator[Workers]:
    process = ServerProcess(
        "serve",
        "--workers",
        "2",
        FIRMTRAIL_DATABASE_URL=database_url,
        FIRMTRAIL_SEED_ENABLED="1",
        FIRMTRAIL_METRICS_TOKEN=METRICS_TOKEN,
    )
    try:
        workers = Workers(process, process.url(), database_url)
        wait_until(lambda: len(listeners(workers)) == 2)
        yield workers
    finally:
        left = children(process.pid)
        process.kill()
        wait_until(lambda: not any(map(is_alive, left)))


def listeners(workers: Workers) -> set[int]:
    """The workers that are ready."""
    return {pid for pid in workers.pids if sockets(pid) & in_state("0A", workers.url)}


def sockets(pid: int) -> set[str]:
    links: set[str] = set()
    with suppress(FileNotFoundError):  # it ends
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                links.add(str(descriptor.readlink()))
    return {link.removeprefix("socket:[").removesuffix("]") for link in links}


def in_state(state: str, url: str) -> set[str]:
    """The inodes of the server's sockets in a state of proc(5)'s /proc/net/tcp: 01 is established, 0A listens."""
    port = f":{urlsplit(url).port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return {line[9] for line in lines if line[1].endswith(port) and line[3] == state}


def test_all_workers_serve(kept_workers: Workers) -> None:
    with kept_workers.connections():
        established = in_state("01", kept_workers.url)

        assert all(sockets(pid) & established for pid in kept_workers.pids)


def test_a_killed_worker_is_replaced_and_service_goes_on_meanwhile(workers: Workers) -> None:
    killed, other = workers.pids
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not is_alive(killed))

    httpx.get(f"{workers.url}/readyz").raise_for_status()

    wait_until(lambda: len(listeners(workers)) == 2)
    assert killed not in workers.pids
    assert other in workers.pids
    assert workers.process.stop() == 0
    assert re.search(r"worker \d ended with -9", workers.process.said)


def test_a_request_in_flight_is_answered_before_a_stop(workers: Workers, database_url: str) -> None:
    demo = workers.seed()
    with psycopg.connect(database_url) as conn, ThreadPoolExecutor(1) as thread:
        conn.execute("lock table device_firmware in access exclusive mode")
        answer = thread.submit(
            httpx.post, workers.url + demo.path, auth=demo.device_key, json={"version": "1"}, timeout=60
        )
        wait_until(lambda: is_held_up(database_url))
        workers.process.signal(signal.SIGTERM)
        wait_until(lambda: not in_state("0A", workers.url))
        conn.commit()

        assert answer.result().status_code == 201
    assert workers.process.exit_code() == 0


def is_held_up(database_url: str) -> bool:
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with psycopg.connect(database_url, autocommit=True) as conn:
        return conn.execute(waiting).fetchone() is not None


def test_a_killed_parent_takes_its_workers_with_it(workers: Workers) -> None:
    pids = workers.pids

    workers.process.kill()

    assert pids
    wait_until(lambda: not any(map(is_alive, pids)))


def test_metrics_are_those_of_all_workers_whoever_answers_also_of_one_that_was_killed(workers: Workers) -> None:
    def healthy(client: httpx.Client) -> set[str]:
        text = client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).raise_for_status().text
        return {line for line in text.splitlines() if 'route="/healthz",status="2xx"' in line}

    with workers.connections() as clients:
        shown = {line for client in clients for line in healthy(client)}
        killed, _ = workers.pids
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(listeners(workers)) == 2 and killed not in workers.pids)
    with httpx.Client(base_url=workers.url) as client:
        shown |= healthy(client)

    assert shown == {f'firmtrail_http_requests_total{{method="GET",route="/healthz",status="2xx"}} {MANY}.0'}


def test_a_key_deleted_through_one_worker_is_refused_by_all(kept_workers: Workers) -> None:
    demo = kept_workers.seed()

    def report(client: httpx.Client) -> int:
        return client.post(demo.path, auth=demo.device_key, json={"version": "1"}).status_code

    with kept_workers.connections() as clients:
        before = {report(client) for client in clients}
        with psycopg.connect(kept_workers.database_url, autocommit=True) as conn:
            conn.execute("delete from api_keys where id = %s", [demo.device_key[0]])
        after = {report(client) for client in clients}

    assert before == {200, 201}
    assert after <= {401, 429}


def test_a_token_of_one_worker_is_taken_by_all(kept_workers: Workers) -> None:
    demo = kept_workers.seed()
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{kept_workers.url}/v1/oauth/token", auth=demo.project_key, data=form)
    token = answer.json()["access_token"]

    with kept_workers.connections() as clients:
        answers = [client.get(demo.path, headers={"Authorization": f"Bearer {token}"}) for client in clients]

    assert {answer.status_code for answer in answers} == {200}


def test_wrong_passwords_are_limited_over_all_workers(kept_workers: Workers) -> None:
    form = {"grant_type": "password", "username": "nobody@example.com", "password": "guessed"}

    with kept_workers.connections() as clients:
        assert all(sockets(pid) & in_state("01", kept_workers.url) for pid in kept_workers.pids)
        answers = [client.post("/v1/oauth/token", data=form).status_code for client in clients]

    assert answers == [400] * MAX_FAILURES_OF_A_KEY + [429] * (MANY - MAX_FAILURES_OF_A_KEY)


def test_no_secret_is_among_the_arguments_of_a_worker(kept_workers: Workers) -> None:
    arguments = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in kept_workers.pids]

    assert PASSWORD in kept_workers.database_url
    assert arguments
    assert not any(secret in line for line in arguments for secret in (PASSWORD.encode(), b'"d"', b"postgresql"))


def test_when_no_worker_can_start_any_more_they_are_tried_again_until_they_can(
    workers: Workers, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("alter table _yoyo_migration rename to hidden")
        killed = set(workers.pids)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        tried: set[int] = set()
        wait_until(lambda: tried.update(workers.pids) or len(tried - killed) >= 3)
        conn.execute("alter table hidden rename to _yoyo_migration")

    wait_until(lambda: len(listeners(workers)) == 2)
    httpx.get(f"{workers.url}/readyz").raise_for_status()
    assert workers.process.stop() == 0
    assert "run: firmtrail-server migrate" in workers.process.said


def test_one_sentence_says_why_they_cannot_start(empty_database_url: str) -> None:
    process = ServerProcess("serve", "--workers", "2", FIRMTRAIL_DATABASE_URL=empty_database_url)

    assert (process.exit_code(), process.said.count("\n")) == (70, 1), process.said
    assert "run: firmtrail-server migrate" in process.said


def test_a_taken_port_is_said_before_anything_else_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = ServerProcess(
            "serve", "--workers", "2", FIRMTRAIL_DATABASE_URL="postgresql://127.0.0.1:1/none", FIRMTRAIL_PORT=port
        )

        assert (process.exit_code(), process.said.count("\n")) == (78, 1), process.said
    assert f"port {port}" in process.said


def test_workers_do_not_share_their_port_with_another_server(kept_workers: Workers) -> None:
    port, url = str(urlsplit(kept_workers.url).port), kept_workers.database_url
    second = ServerProcess("serve", "--workers", "2", FIRMTRAIL_DATABASE_URL=url, FIRMTRAIL_PORT=port)

    assert second.exit_code() == 78, second.said
