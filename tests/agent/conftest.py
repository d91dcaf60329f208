"""A device on disk, and a server for it to report to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.agent.support.device import Device
from tests.agent.support.enrollment import Project
from tests.agent.support.report_server import ReportServer
from tests.agent.support.service_manager import ServiceManager
from tests.agent.support.virtual_time import VirtualTime
from tests.served import serving
from tests.server.conftest import seed

#: files of a configuration that their group may write are named as a fault
os.umask(0o022)


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
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def service_manager() -> Generator[ServiceManager]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short, and tmp_path is not
        manager = ServiceManager(Path(folder) / "notify")
        yield manager
        manager.close()


@pytest.fixture
async def project(database_url: str) -> AsyncGenerator[Project]:
    async with (
        serving(create_app(Settings(seed_enabled=True), database_url)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        yield Project(url=server.url, http=http, demo=await seed(http))


@pytest.fixture
def unenrolled(tmp_path: Path, project: Project) -> Device:
    """A device that knows its server, and nothing else."""
    device = Device(tmp_path)
    device.write("/etc/firmtrail-agent/config.toml", f'[server]\nurl = "{project.url}"\n')
    device.write("/etc/os-release", "ID=acme\nVERSION_ID=1.4.2\n")
    device.write("/sys/class/dmi/id/product_uuid", "4c4c4544-0042-3010-8054-b4c04f4b4a31\n")
    return device
