"""The agent from its wheels, installed by the commands of docs/agent.md; the rest comes from an index of packages.

And what the server's wheel must hold besides its modules.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """Give a folder with the wheels in `dist`."""
    command = [sys.executable, "tools/package.py", "wheels", tmp_path / "dist"]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    return tmp_path


def documented(root: Path, begins: str) -> str:
    """Give the command of the page that begins like this, without its comment."""
    lines = (root / "docs/agent.md").read_text(encoding="utf-8").splitlines()
    (command,) = [line.partition("#")[0].strip() for line in lines if line.startswith(f"    {begins}")]
    return command


def run(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    shell = ["sh", "-euc", command]
    # conftest.py names an empty store; uv's own would not do where an index has an authority of its own
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
    environment = inherited | {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"} | more
    return subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def has_uv(folder: Path) -> bool:
    return run("uv --version", folder).returncode == 0  # a version manager's stand-in may be there without the program


def assert_it_runs(agent: Path, folder: Path) -> None:
    release = folder / "device/etc/os-release"
    release.parent.mkdir(parents=True)
    release.write_text("ID=acme\nVERSION_ID=1.4.2\n")

    assert run(f"{agent} --help", folder).stdout.startswith("usage: firmtrail-agent")
    assert run(f"{agent} --root device version", folder).stdout.split() == ["COMPONENT", "VERSION", "main", "1.4.2"]


def test_uv_installs_an_agent_that_runs(root: Path, folder: Path) -> None:
    if not has_uv(folder):
        pytest.skip("uv is not installed")
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin"), "UV_PYTHON": sys.executable}
    if run("echo attrs | uv pip compile --quiet -", folder, **places).returncode != 0:
        pytest.skip("uv reaches no index of packages")

    done = run(documented(root, "uv tool install"), folder, **places)

    assert done.returncode == 0, done.stderr
    assert_it_runs(folder / "bin/firmtrail-agent", folder)


def test_pip_installs_an_agent_that_runs(root: Path, folder: Path) -> None:
    if has_uv(folder):
        pytest.skip("uv installs the same wheels in a tenth of the time")
    own = folder / "firmtrail-agent"
    made = run(documented(root, "python3 -m venv").replace("/opt", str(folder)), folder)
    if made.returncode != 0 or run(f"{own}/bin/pip download --no-deps attrs", folder).returncode != 0:
        pytest.skip(f"there is no pip, or it reaches no index of packages {made.stderr}")

    done = run(documented(root, "/opt/firmtrail-agent/bin/pip").replace("/opt", str(folder)), folder)

    assert done.returncode == 0, done.stderr
    assert_it_runs(own / "bin/firmtrail-agent", folder)


def test_the_servers_wheel_has_the_reference_of_its_api(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    subprocess.run(command, cwd=root / "packages/server", check=True, stdout=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(wheel) as files:
        shipped = files.read("firmtrail_server/http/documents/openapi.json")
        page = files.read("firmtrail_server/http/documents/docs.html")

    assert shipped == (root / "openapi.json").read_bytes()
    assert page.startswith(b"<!doctype html>")
