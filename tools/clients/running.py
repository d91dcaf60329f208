"""Runs the Bruno collection and the .http file against a server of our own, by programs from npm.

They live in .venv-clients; `npm ci` takes what tools/environments/clients/package-lock.json names. Insomnia's own
runner comes as a download of its vendor alone, so its file is imported by nobody here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.clients.flow import FLOW, URL
from tools.demo_server import running_server

ROOT = Path(__file__).resolve().parents[2]
PLACE, LOCKED = ROOT / ".venv-clients", ROOT / "tools/environments/clients"
TIMEOUT_SECONDS = 240


def run(collections: Path) -> int:
    """Run both; give an exit code. Without npm nothing is run, and a line says so."""
    if shutil.which("npm") is None:
        print("clients: nothing was run: npm is not installed")
        return 0
    _install()
    with tempfile.TemporaryDirectory(prefix="firmtrail-clients-") as folder:
        Path(folder).chmod(0o711)  # for the user that PostgreSQL runs as when root runs this
        with running_server(Path(folder) / "data", "0") as server:
            failed = [name for name, ran in (("bruno", _bruno), ("http", _http)) if not ran(collections, server.url)]
    print(f"clients: {len(FLOW)} requests each by bru and httpyac; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


def _install() -> None:
    stamp, wanted = PLACE / "installed.json", (LOCKED / "package-lock.json").read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    PLACE.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKED / name, PLACE)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PLACE, check=True)  # noqa: S607
    stamp.write_text(wanted, encoding="utf-8")


def _bruno(collections: Path, url: str) -> bool:
    """Run each request with its assertions; bru answers 0 when all hold."""
    command = [PLACE / "node_modules/.bin/bru", "run", "--env", "local", "--env-var", f"url={url}"]
    done = subprocess.run(command, cwd=collections / "bruno", check=False, timeout=TIMEOUT_SECONDS)
    return done.returncode == 0


def _http(collections: Path, url: str) -> bool:
    """Run each request of the file, and compare the status codes with those of the flow."""
    text = (collections / "firmtrail.http").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        (file := Path(folder) / "firmtrail.http").write_text(text.replace(URL, url), encoding="utf-8")
        command = [PLACE / "node_modules/.bin/httpyac", "send", file.name, "--all", "--json"]
        done = subprocess.run(
            command, cwd=folder, check=False, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_SECONDS
        )
    answers = [answer["response"]["statusCode"] for answer in json.loads(done.stdout)["requests"]]
    print(f"httpyac: {answers}")
    return answers == [step.status for step in FLOW]
