"""docs/deploy.md on one machine, run as it stands under a real systemd, as root: `./dev deploy`.

Two commands are not what they are elsewhere: apt-get starts what this machine has already, and pip takes wheels from a
folder. The sandbox has no network, so the TLS certificate is of our own making.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.systemd.sandbox import Sandbox, booted, missing
from tools.release.building import build

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("/usr/bin/python3", "/usr/bin/pg_createcluster", "caddy", "nginx", "curl", "openssl")
SERVER, HOME = "firmtrail-server.service", "/srv/firmtrail"
URL = "https://firmtrail.example.com"
APT = """#!/bin/sh
# What apt-get would install is here; a cluster of PostgreSQL is made anew, as installing it does.
[ "$1" = install ] || exit 0
rm -rf /etc/postgresql /var/lib/postgresql
install -d -o postgres -g postgres /var/lib/postgresql
pg_createcluster "$(ls /usr/lib/postgresql | tail -n 1)" main >/dev/null
systemctl daemon-reload
systemctl start postgresql
"""
PIP = "export PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels PIP_DISABLE_PIP_VERSION_CHECK=1"
_PATIENCE_SECONDS = 300

absent = [program for program in NEEDED if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
if reason := missing() or (f"this machine lacks {', '.join(absent)}" if absent else None):
    pytest.skip(f"no machine can be set up here: {reason}", allow_module_level=True)


def blocks(title: str) -> list[str]:
    """Give the commands of a chapter, a block each."""
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    chapter = re.split(r"^## ", page.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^```sh\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with our wheels, and what they need for the Python of the machine."""
    folder = tmp_path_factory.mktemp("wheels")
    ours = [build(ROOT / "packages" / name, folder / "dist", "wheel") for name in ("contract", "server")]
    subprocess.run(["/usr/bin/python3", "-m", "venv", folder / "venv"], check=True)
    command = [folder / "venv/bin/pip", "download", "--quiet", "--dest", folder / "wheels", *ours]
    if subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, check=False).returncode != 0:
        pytest.skip("pip reaches no index of packages")
    return folder


@pytest.fixture(scope="module")
def machine(wheels: Path) -> Generator[Sandbox]:
    def lay_out(tree: Path) -> None:
        shutil.copytree(wheels / "dist", tree / f"{HOME[1:]}/dist")
        shutil.copytree(ROOT / "deploy", tree / f"{HOME[1:]}/deploy")
        shutil.copytree(wheels / "wheels", tree / "srv/wheels")
        (program := tree / "usr/local/sbin/apt-get").parent.mkdir(parents=True)
        program.write_text(APT)
        program.chmod(0o755)

    with booted(lay_out) as sandbox:
        # Not the loopback address: whoever comes to the name has an address that no proxy of ours has.
        sandbox.write("/etc/hosts", "127.0.0.1 localhost\n198.51.100.7 firmtrail.example.com\n")
        sandbox.run("ip", "address", "add", "198.51.100.7/32", "dev", "lo")
        yield sandbox


def shell(machine: Sandbox, script: str) -> str:
    """Run commands in the folder of the page as root; what they print comes back."""
    process = machine.start_inside("sh", "-c", f"exec 2>&1; set -eu; {PIP}; cd {HOME}\n{script}")
    said, _ = process.communicate(timeout=_PATIENCE_SECONDS)
    journal = machine.run("journalctl", "--output=cat", "--no-pager", "--lines=40") if process.returncode else ""
    assert process.returncode == 0, f"{script}\n{said.decode()}\n{journal}"
    return said.decode()


def make_certificate(machine: Sandbox) -> None:
    """Make one that this machine believes, and name it in the Caddyfile as the page says."""
    shell(
        machine,
        f"""
        install -d /etc/ssl/firmtrail
        cd /etc/ssl/firmtrail
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
            -subj /CN=firmtrail.example.com -addext subjectAltName=DNS:firmtrail.example.com \
            -out cert.pem -keyout key.pem
        chmod 644 key.pem
        cat cert.pem >> /etc/ssl/certs/ca-certificates.crt
        sed -i "/^firmtrail.example.com/a tls $PWD/cert.pem $PWD/key.pem" {HOME}/deploy/proxy/Caddyfile
        echo FIRMTRAIL_SEED_ENABLED=true >> {HOME}/deploy/systemd/settings
        """,
    )


def ask(machine: Sandbox, path: str, *options: str) -> Any:
    """Send a request through the proxy; `options` are curl's."""
    said = machine.run("curl", "--silent", "--show-error", "--fail-with-body", "--retry", "5", *options, f"{URL}{path}")
    return json.loads(said) if said else None


def key(seed: dict[str, Any], name: str) -> str:
    return f"{seed[name]['id']}:{seed[name]['secret']}"


def report(machine: Sandbox, seed: dict[str, Any], version: str) -> None:
    body = ["--json", json.dumps({"version": version})]
    ask(machine, path_of(seed), "--user", key(seed, "device_api_key"), *body)


def versions(machine: Sandbox, seed: dict[str, Any]) -> list[str]:
    history = ask(machine, path_of(seed), "--user", key(seed, "project_api_key"))
    return [period["version"] for period in history["items"]]


def path_of(seed: dict[str, Any]) -> str:
    return f"/v1/devices/{seed['device']['id']}/firmware_version"


@pytest.fixture(scope="module")
def server(machine: Sandbox) -> Sandbox:
    """Give the machine after every command of the chapter has run."""
    make_certificate(machine)
    for block in blocks("One machine"):
        shell(machine, block)
    return machine


@pytest.fixture(scope="module")
def seed(server: Sandbox) -> dict[str, Any]:
    made = ask(server, "/v1/seed", "--request", "POST")
    report(server, made, "1.4.2")
    return made


def test_the_page_leads_to_a_report_over_tls(server: Sandbox, seed: dict[str, Any]) -> None:
    assert versions(server, seed) == ["1.4.2"]


def test_the_first_user_logs_in(server: Sandbox) -> None:
    password = server.run("cat", f"{HOME}/first-password")

    form = {"grant_type": "password", "username": "ada@example.com", "password": password}
    fields = [part for name, value in form.items() for part in ("--data-urlencode", f"{name}={value}")]
    token = ask(server, "/v1/oauth/token", *fields)["access_token"]
    assert ask(server, "/v1/users/me", "--header", f"Authorization: Bearer {token}")["name"] == "Ada"


def test_no_other_user_reads_a_secret(server: Sandbox) -> None:
    for file in ("database-url", "signing-keys", "metrics-token"):
        refused = server.run(
            "runuser", "-u", "nobody", "--", "cat", f"/etc/firmtrail-server/secrets/{file}", check=False
        )
        assert refused == ""
    assert server.property("User", SERVER) == "firmtrail-server"


def test_metrics_are_not_for_the_outside(server: Sandbox) -> None:
    token = server.run("cat", "/etc/firmtrail-server/secrets/metrics-token")
    header = ["--header", f"Authorization: Bearer {token}"]

    inside = server.run("curl", "--silent", "--fail", *header, "http://127.0.0.1:8080/metrics")
    outside = server.run("curl", "--silent", *header, "--write-out", "%{http_code}", f"{URL}/metrics", check=False)

    assert "firmtrail_reports_total" in inside
    assert outside == "404"


def test_a_killed_server_comes_back(server: Sandbox, seed: dict[str, Any]) -> None:
    before = server.property("MainPID", SERVER)
    server.run("kill", "-9", before)
    server.wait_for(lambda: server.property("MainPID", SERVER) not in {before, "0"}, "another process")

    shell(server, "curl --fail -s --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/readyz")
    assert versions(server, seed) == ["1.4.2"]


def test_a_forged_address_is_not_believed(server: Sandbox) -> None:
    """Wrong passwords from ever new addresses that the client made up are limited as those of one."""
    guess = f"""for n in $(seq 25); do curl -s -o /dev/null -w '%{{http_code}}\\n' -H "X-Forwarded-For: 192.0.2.$n" \
        --data 'grant_type=password&username=ada@example.com&password=wrong-$n' {URL}/v1/oauth/token; done"""

    assert "429" in shell(server, guess).split()


def test_nginx_takes_the_place_of_caddy(server: Sandbox, seed: dict[str, Any]) -> None:
    shell(
        server,
        f"""
        systemctl stop caddy
        rm -f /etc/nginx/sites-enabled/default
        cp {HOME}/deploy/proxy/nginx.conf /etc/nginx/conf.d/firmtrail.conf
        nginx -t
        systemctl start nginx
        """,
    )

    assert versions(server, seed) == ["1.4.2"]
    assert server.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://firmtrail.example.com/") == "308"
    assert server.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"{URL}/metrics") == "404"
    shell(server, "systemctl stop nginx; systemctl start caddy")


def test_the_database_is_restored_to_a_moment(server: Sandbox, seed: dict[str, Any]) -> None:
    for block in blocks("Backup"):
        shell(server, block)
    shell(server, "curl --fail -s --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/readyz")
    report(server, seed, "1.5.0")
    time.sleep(1.1)  # the moment lies between two reports, and is written in seconds
    moment = shell(server, "date -u '+%Y-%m-%d %H:%M:%S+00'").strip()
    time.sleep(1.1)
    report(server, seed, "6.6.6")
    (restore,) = blocks("Restore to a moment")

    shell(server, f"MOMENT='{moment}'\n{restore}")

    shell(server, "curl --fail -s --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/readyz")
    assert versions(server, seed) == ["1.4.2", "1.5.0"]
    report(server, seed, "1.6.0")
    assert versions(server, seed)[-1] == "1.6.0"


def test_nothing_of_a_secret_is_in_the_journal(server: Sandbox, seed: dict[str, Any]) -> None:
    journal = server.run("journalctl", "--no-pager", "--unit", SERVER)
    url = server.run("cat", "/etc/firmtrail-server/secrets/database-url")
    password = re.split("[:@]", url)[2]

    assert journal
    assert [secret for secret in (password, seed["device_api_key"]["secret"]) if secret in journal] == []
