"""A spool on a real disk, and a clock that the test sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.state.spool import Spool
from tests.agent.spool.support.spool_files import Opener
from tests.agent.support.observations import DEVICE, Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool"


@pytest.fixture
def opened(directory: Path, time: Time) -> Opener:
    """Open the spool, as after a restart."""
    return lambda: Spool(directory, DEVICE, boot_time=time)
