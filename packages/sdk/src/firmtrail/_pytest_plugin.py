"""The pytest plugin: `firmtrail_stand_in` and `firmtrail_real_server`.

pytest loads it wherever the SDK is installed, so it imports nothing of it before a test asks.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from firmtrail.testing import RealServer, StandIn


@pytest.fixture
def firmtrail_stand_in(monkeypatch: pytest.MonkeyPatch) -> Generator[StandIn]:
    """A stand-in of the server, and the environment variables with which `firmtrail.Client()` finds it.

    A test that asks what the stand-in does not answer fails, also if its program swallowed the error.
    """
    try:
        from firmtrail.testing import StandIn  # noqa: PLC0415  only for those who use it
    except ImportError:
        pytest.fail('The stand-in needs respx: pip install "firmtrail[testing]"', pytrace=False)
    with StandIn() as stand_in:
        _point_to(monkeypatch, stand_in)
        yield stand_in
    if stand_in.unanswered:
        pytest.fail("\n".join(map(str, stand_in.unanswered)), pytrace=False)


@pytest.fixture(scope="session")
def firmtrail_server_url() -> Generator[str]:
    """The URL of a real server on embedded PostgreSQL; the test is skipped where that is not installed."""
    from firmtrail.testing import real_server  # noqa: PLC0415  only for those who use it

    if not real_server.is_installed():
        pytest.skip(real_server.MISSING)
    with real_server.running_server() as url:
        yield url


@pytest.fixture
def firmtrail_real_server(firmtrail_server_url: str, monkeypatch: pytest.MonkeyPatch) -> RealServer:
    """An empty project at a real server, and the environment variables with which `firmtrail.Client()` finds it."""
    from firmtrail.testing import RealServer  # noqa: PLC0415  only for those who use it

    server = RealServer.with_new_project(firmtrail_server_url)
    _point_to(monkeypatch, server)
    return server


def _point_to(monkeypatch: pytest.MonkeyPatch, server: StandIn | RealServer) -> None:
    for name in [name for name in os.environ if name.startswith("FIRMTRAIL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FIRMTRAIL_URL", server.url)
    monkeypatch.setenv("FIRMTRAIL_API_KEY", server.api_key)
