"""The server's unit on paper; `./dev deploy` boots it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

#: in tenths, as systemd-analyze wants it
_MOST_EXPOSURE = 15


@pytest.fixture(scope="session")
def unit(root: Path) -> Path:
    return root / "deploy/systemd/firmtrail-server.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_the_server_exposes_at_most_1_5_of_10(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={_MOST_EXPOSURE}", str(unit)]

    rated = subprocess.run(command, capture_output=True, text=True, check=False)

    assert rated.returncode == 0, rated.stdout.splitlines()[-1:] + rated.stderr.splitlines()


def test_systemd_waits_longer_than_the_server_takes_to_stop(unit: Path) -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)s$", unit.read_text(encoding="utf-8"), re.MULTILINE)

    assert found
    assert int(found[1]) > 30


def test_a_start_that_cannot_help_is_not_repeated(unit: Path) -> None:
    assert "\nRestartPreventExitStatus=2 70 78\n" in unit.read_text(encoding="utf-8")


def test_each_credential_is_a_secret_that_the_page_makes(root: Path, unit: Path) -> None:
    page = (root / "docs/deploy.md").read_text(encoding="utf-8")
    credentials = re.findall(
        r"^LoadCredential=firmtrail-server\.(\S+):\S+/secrets/(\S+)$", unit.read_text(), re.MULTILINE
    )

    assert credentials
    assert [name for name, file in credentials if name != file or f"> {file}\n" not in page] == []
