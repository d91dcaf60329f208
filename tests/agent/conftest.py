"""A device on disk, and a server for it to report to."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.agent.device import Device
from tests.agent.report_server import ReportServer
from tests.agent.service_manager import ServiceManager


@pytest.fixture
async def server() -> AsyncGenerator[ReportServer]:
    async with ReportServer() as running:
        yield running


@pytest.fixture
def device(tmp_path: Path, server: ReportServer) -> Device:
    """A device with one component, configured to report to the server."""
    device = Device(tmp_path)
    device.configure(server.url)
    return device


@pytest.fixture
def service_manager() -> Generator[ServiceManager]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short, and tmp_path is not
        manager = ServiceManager(Path(folder) / "notify")
        yield manager
        manager.close()
