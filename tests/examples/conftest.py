"""The demo's fleet on a real server, with the API key of its project."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from firmtrail import AsyncClient
from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import serving

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))


@pytest.fixture
async def environment(database_url: str) -> AsyncGenerator[dict[str, str]]:
    """What a program needs to ask about a project that is still empty."""
    app = create_app(Settings(seed_enabled=True, password_cost=4), database_url)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}
    async with serving(app) as server, AsyncClient(server.url) as anyone:
        key = (await anyone.seed()).project_api_key
        yield inherited | {"FIRMTRAIL_URL": server.url, "FIRMTRAIL_API_KEY": f"{key.id}:{key.secret}"}


@pytest.fixture
async def fleet(environment: dict[str, str], database_url: str) -> dict[str, str]:
    """The same with the fleet in it."""
    from demo_past import fill  # noqa: PLC0415  found by the line above

    await fill(database_url, environment["FIRMTRAIL_API_KEY"], dt.datetime.now(dt.UTC))
    return environment
