"""The stand-in and the real server, asked by clients of either kind: a test that takes `ask` runs on all four."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import pytest

from firmtrail import AsyncClient, Client
from firmtrail.testing import StandIn
from tests.sdk.kit.installation import Asking, Installation


@pytest.fixture(params=["stand-in", "real"])
def installation(request: pytest.FixtureRequest) -> Generator[Installation]:
    if request.param == "real":
        yield Installation.of_server(*(request.getfixturevalue(name) for name in ("server", "clock", "demo")))
        return
    with StandIn() as stand_in:
        yield Installation.of_stand_in(stand_in)


@pytest.fixture(params=[Client, AsyncClient])
async def ask(request: pytest.FixtureRequest, installation: Installation) -> AsyncGenerator[Asking]:
    asking = Asking(installation, request.param)
    await installation.empty(asking)
    yield asking
    await asking.close()
