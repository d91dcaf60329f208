"""The Dockerfile's two images, built by buildah and tried beside a PostgreSQL, as root: `./dev images`.

No registry is asked: the base is a Debian of debootstrap's, with the Python of the base that the Dockerfile names. An
architecture that is not this machine's is run by qemu's user emulation, where the kernel knows it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("buildah", "debootstrap")
#: Debian's name of one, which buildah takes too
ARCHITECTURE = os.environ.get("FIRMTRAIL_IMAGES_ARCHITECTURE", "amd64")
BASE = f"localhost/firmtrail-base:{ARCHITECTURE}"
#: without a daemon, and without namespaces, which a sandbox may forbid
ENVIRONMENT = {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
SOCKET = "/run/database/.s.PGSQL.5432"
_PATIENCE_SECONDS = 120

absent = [program for program in NEEDED if shutil.which(program) is None]
if os.geteuid() != 0 or absent:
    pytest.skip(f"no image can be built here: root and {', '.join(NEEDED)} are needed", allow_module_level=True)


def buildah(*arguments: str | Path, check: bool = True) -> str:
    done = subprocess.run(
        ["buildah", *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stdout
    return done.stdout.strip()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make what stands for `python:3.13-slim-trixie`, once: the image stays for the next time."""
    if not buildah("images", "--quiet", BASE, check=False).isalnum():
        tree = tmp_path_factory.mktemp("base") / "tree"
        packages = "--include=python3,python3-venv,ca-certificates"
        command = ["debootstrap", f"--arch={ARCHITECTURE}", "--variant=minbase", packages, "trixie", tree]
        subprocess.run(command, check=True)
        (tree / "usr/bin/python").symlink_to("python3")
        made = buildah("from", "--arch", ARCHITECTURE, "scratch")
        buildah("copy", "--quiet", made, tree, "/")
        buildah("commit", "--quiet", "--rm", made, BASE)
        shutil.rmtree(tree)
    return BASE


@pytest.fixture(scope="module")
def images(base: str) -> dict[str, str]:
    """Build the server's image and the agent's."""
    built: dict[str, str] = {}
    for target in ("server", "agent"):
        built[target] = f"localhost/firmtrail-{target}:{ARCHITECTURE}"
        trust = ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
        choice = ["--arch", ARCHITECTURE, "--target", target, "--tag", built[target]]
        buildah("bud", "--quiet", *trust, "--build-arg", f"PYTHON_IMAGE={base}", *choice, ROOT)
    return built


class Container:
    """A working container of an image, whose programs run as the image says, on the network of this machine."""

    def __init__(self, image: str, volumes: Mapping[Path, str]) -> None:
        self._volumes = [f"--volume={folder}:{place}" for folder, place in volumes.items()]
        self.name = buildah("from", "--arch", ARCHITECTURE, image)

    def command(self, *command: str, **environment: str) -> list[str]:
        named = [f"--env={name}={value}" for name, value in environment.items()]
        return ["buildah", "run", *self._volumes, *named, self.name, "--", *command]

    def run(self, *command: str, **environment: str) -> str:
        return buildah(*self.command(*command, **environment)[1:])

    @contextmanager
    def running(self, log: IO[str], *command: str, **environment: str) -> Generator[None]:
        started = self.command(*command, **environment)
        with subprocess.Popen(started, env=ENVIRONMENT, stdout=log, stderr=log, start_new_session=True) as process:
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGTERM)  # buildah hands no signal on


@pytest.fixture
def database_socket(empty_database_url: str) -> Path:
    """Open the socket of PostgreSQL to the containers' user, to whom its directory stays closed: it is mounted."""
    socket = Path(str(conninfo_to_dict(empty_database_url)["host"])) / ".s.PGSQL.5432"
    socket.chmod(0o777)
    return socket


@pytest.fixture
def containers(images: dict[str, str], tmp_path: Path, database_socket: Path) -> Generator[dict[str, Container]]:
    folders = {name: tmp_path / name for name in ("device", "state", "run", "member", "keys")}
    for folder in folders.values():
        folder.mkdir(mode=0o700)
        os.chown(folder, 10_001, 10_001)
    compose = {ROOT / "deploy/compose": "/opt/compose"}
    device = {folders["device"]: "/etc/firmtrail-agent", folders["state"]: "/var/lib/firmtrail-agent"}
    device |= {folders["run"]: "/run/firmtrail-agent", folders["member"]: "/home/firmtrail"}
    made = {
        "server": Container(
            images["server"], compose | {folders["keys"]: "/etc/firmtrail-server", database_socket: SOCKET}
        ),
        "agent": Container(images["agent"], compose | device),
    }
    yield made
    for container in made.values():
        buildah("rm", container.name)


def test_each_image_holds_what_its_lock_names_and_runs_as_nobody_in_particular(
    containers: dict[str, Container],
) -> None:
    locked = {
        line.split("==")[0].lower()
        for line in (ROOT / "requirements-image.lock").read_text().splitlines()
        if "==" in line
    }
    listing = (
        "from importlib.metadata import distributions as d; print(*(x.name.lower().replace('_', '-') for x in d()))"
    )
    for name, container in containers.items():
        held = {one for one in container.run("python", "-c", listing).split() if not one.startswith("firmtrail")}
        assert held <= locked, f"the {name}'s image holds what no lock names"
        assert "pip" not in held
        assert container.run("id", "-u") == "10001"
        assert container.run("python", "-c", "import sys; print(sys.version_info[:2])") == "(3, 13)"
        assert container.run("uname", "-m") == {"amd64": "x86_64", "arm64": "aarch64"}[ARCHITECTURE]


def test_a_device_of_the_agents_image_reports_to_a_server_of_the_servers_image(
    containers: dict[str, Container], empty_database_url: str, tmp_path: Path
) -> None:
    """Do what docker-compose.yml does, with the same scripts: migrate, make keys, serve, seed, report, read."""
    server, agent = containers["server"], containers["agent"]
    url = f"http://127.0.0.1:{(port := free_port())}"
    given = conninfo_to_dict(empty_database_url)
    settings = {
        "FIRMTRAIL_DATABASE_URL": f"postgresql://{given['user']}@/{given['dbname']}?host={Path(SOCKET).parent}",
        "FIRMTRAIL_PORT": str(port),
        "FIRMTRAIL_HOST": "127.0.0.1",
    }
    settings |= {"FIRMTRAIL_SEED_ENABLED": "true", "FIRMTRAIL_PUBLIC_URL": url}
    keys = "/etc/firmtrail-server/signing-keys.json"
    server.run("sh", "/opt/compose/retry.sh", "firmtrail-server", "migrate", **settings)
    server.run("sh", "-euc", f"umask 077; firmtrail-server signing-key > {keys}")
    with (tmp_path / "log").open("w+") as log:
        serve = server.running(log, "firmtrail-server", "serve", FIRMTRAIL_SIGNING_KEYS_FILE=keys, **settings)
        report = agent.running(log, "firmtrail-agent", "run")
        with serve:
            agent.run("python", "/opt/compose/seed.py", "/etc/firmtrail-agent", FIRMTRAIL_URL=url)
            health = ["python", "-c", f"from urllib.request import urlopen; urlopen('{url}/healthz', timeout=4)"]
            server.run(*health)
            with report:
                history = _wait_for_history(agent)
        log.seek(0)
        assert history.startswith("main  1.4.2  "), log.read()


def _wait_for_history(agent: Container) -> str:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    history = ""
    while not history and time.monotonic() < give_up_at:
        history = agent.run("python", "/opt/compose/history.py")
        time.sleep(1)
    return history
