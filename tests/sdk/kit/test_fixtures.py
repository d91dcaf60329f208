"""The fixtures, in a test suite of somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STAND_IN = """
import firmtrail

def test_a_program(firmtrail_stand_in):
    firmtrail_stand_in.add_device("pump-1")
    with firmtrail.Client() as client:
        assert [device.name for device in client.devices.list()] == ["pump-1"]

def test_each_test_has_its_own(firmtrail_stand_in):
    with firmtrail.Client() as client:
        assert client.devices.list().first() is None
"""
SWALLOWING = """
import firmtrail

def test_a_program(firmtrail_stand_in):
    with firmtrail.Client() as client:
        try:
            client.webhooks.list().first()
        except BaseException:
            pass
"""
REAL = """
import firmtrail

def test_a_program(firmtrail_real_server):
    with firmtrail.Client() as client:
        client.devices.create(None, "pump-1")
        assert client.projects.current().id == firmtrail_real_server.project_id
        assert client.webhooks.list().first() is None

def test_each_test_has_its_own_project(firmtrail_real_server):
    with firmtrail.Client() as client:
        assert client.devices.list().first() is None
"""
MISSING = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name.startswith("firmtrail_server") else find(name, *more)

def test_a_program(firmtrail_real_server):
    raise AssertionError
"""
WITHOUT_RESPX = """
import sys
sys.modules["respx"] = None

def test_a_program(firmtrail_stand_in):
    raise AssertionError
"""


def ran(folder: Path, program: str) -> tuple[int, str]:
    """Run a test suite of one file, as the user does who has a key and a profile of their own."""
    (folder / "test_it.py").write_text(program)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:schemathesis", "-p", "no:cacheprovider", "test_it.py"],
        cwd=folder,
        env=os.environ | {"FIRMTRAIL_PROFILE": "production", "FIRMTRAIL_API_KEY": "id:secret"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_stand_in_is_a_fixture(tmp_path: Path) -> None:
    code, output = ran(tmp_path, STAND_IN)

    assert (code, "2 passed" in output) == (0, True), output


def test_what_has_no_answer_fails_a_test_that_swallows_it(tmp_path: Path) -> None:
    code, output = ran(tmp_path, SWALLOWING)

    assert code == 1
    assert "does not answer GET /v1/projects/current/webhooks" in output


def test_a_real_server_is_a_fixture(tmp_path: Path) -> None:
    code, output = ran(tmp_path, REAL)

    assert (code, "2 passed" in output) == (0, True), output


def test_without_a_server_the_test_is_skipped_with_what_to_install(tmp_path: Path) -> None:
    code, output = ran(tmp_path, MISSING)

    assert (code, "1 skipped" in output, "firmtrail-server[embedded]" in output) == (0, True, True), output


def test_without_respx_the_test_fails_with_what_to_install(tmp_path: Path) -> None:
    code, output = ran(tmp_path, WITHOUT_RESPX)

    assert (code, "firmtrail[testing]" in output) == (1, True), output


def test_the_plugin_imports_nothing_until_a_test_asks() -> None:
    script = "import sys, firmtrail._pytest_plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert not {"httpx", "respx", "attrs", "firmtrail_contract", "firmtrail.testing"} & {*loaded}
