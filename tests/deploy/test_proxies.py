"""What the proxies of deploy/proxy answer while no server does: the shipped files, with this machine's ports."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import httpx
import pytest
from cryptography import x509

from firmtrail import ApiError, Client
from firmtrail_agent.server.failures import Trouble, failure_of
from firmtrail_contract import Problem, ProblemCode, lenient_converter
from tests.authority import Authority
from tests.ports import free_port

NAME = x509.DNSName("localhost")


@attrs.frozen
class Place:
    """Where a proxy listens, where it looks for a server, and what it proves itself with."""

    folder: Path
    certificate: Path
    port: int
    other_port: int
    server_port: int


def haproxy(shipped: str, at: Place) -> tuple[str, list[str]]:
    text = replaced(
        shipped,
        {
            "/run/haproxy/admin.sock": f"{at.folder}/admin.sock",
            "bind :443": f"bind 127.0.0.1:{at.port}",
            "/etc/haproxy/firmtrail.pem": str(at.certificate),
            "10.0.0.11:8080": f"127.0.0.1:{at.server_port}",
            "10.0.0.12:8080": f"127.0.0.1:{at.server_port}",
        },
    )
    return text, ["haproxy", "-db", "-f", "{file}"]


def nginx(shipped: str, at: Place) -> tuple[str, list[str]]:
    text = replaced(
        shipped,
        {
            "127.0.0.1:8080": f"127.0.0.1:{at.server_port}",
            "listen 80;": f"listen 127.0.0.1:{at.other_port};",
            "listen 443 ssl": f"listen 127.0.0.1:{at.port} ssl",
            "firmtrail.example.com": "localhost",
            "/etc/ssl/firmtrail/cert.pem": str(at.certificate),
            "/etc/ssl/firmtrail/key.pem": str(at.certificate),
        },
    )
    around = f"error_log stderr; pid {at.folder}/pid; events {{}} http {{ access_log off;"
    temporary = "".join(
        f"{kind}_temp_path {at.folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"{around} {temporary} {text} }}", ["nginx", "-g", "daemon off; master_process off;", "-c", "{file}"]


def caddy(shipped: str, at: Place) -> tuple[str, list[str]]:
    text = replaced(
        shipped,
        {
            "127.0.0.1:8080": f"127.0.0.1:{at.server_port}",
            "firmtrail.example.com {": f"https://localhost:{at.port} {{\n tls {at.certificate} {at.certificate}",
        },
    )
    return "{\n admin off\n auto_https off\n}\n" + text, [
        "caddy",
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        "{file}",
    ]


PROXIES: dict[str, tuple[str, Callable[[str, Place], tuple[str, list[str]]]]] = {
    "haproxy": ("haproxy.cfg", haproxy),
    "nginx": ("nginx.conf", nginx),
    "caddy": ("Caddyfile", caddy),
}


def replaced(text: str, by: dict[str, str]) -> str:
    for old, new in by.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture(params=PROXIES)
def url(request: pytest.FixtureRequest, root: Path, tmp_path: Path, authority: Authority) -> Generator[str]:
    """A proxy before a server that does not run."""
    program: str = request.param
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    if shutil.which(program, path=path) is None:
        pytest.skip(f"{program} is not installed")
    shipped, adapt = PROXIES[program]
    place = Place(tmp_path, authority.certificate(NAME), free_port(), free_port(), free_port())
    text, command = adapt((root / "deploy/proxy" / shipped).read_text(encoding="utf-8"), place)
    (file := tmp_path / shipped).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path)}
    with running([part.format(file=file) for part in command], environment, place.port, tmp_path / "log"):
        yield f"https://localhost:{place.port}"


@contextmanager
def running(command: list[str], environment: dict[str, str], port: int, log: Path) -> Generator[None]:
    with log.open("wb") as lines:
        process = subprocess.Popen(command, env=environment, stdout=lines, stderr=lines, stdin=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 60
        while not is_open(port):
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < ends, "the proxy does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(60)


def is_open(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_a_proxy_without_a_server_answers_with_a_problem_that_clients_take_for_temporary(
    url: str, authority: Authority
) -> None:
    trusting = ssl.create_default_context(cafile=authority.file)
    answer = httpx.get(f"{url}/v1/users/me", verify=trusting)

    problem = lenient_converter().structure(answer.json(), Problem)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert (problem.code, problem.status) == (ProblemCode.UNAVAILABLE, 503)
    assert uuid.UUID(problem.request_id)

    with (
        Client(url, api_key=f"{uuid.UUID(int=1)}:ftd_x", auth="basic", ca_file=authority.file, attempts=1) as client,
        pytest.raises(ApiError, match="Try again") as refused,
    ):
        next(iter(client.firmware.history(uuid.UUID(int=2))))
    failure = failure_of(refused.value)
    assert (failure.trouble, failure.is_foreign) == (Trouble.TEMPORARY, False)
