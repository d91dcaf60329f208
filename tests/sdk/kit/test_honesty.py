"""What keeps the stand-in honest beside the contract suite: its tables are the server's, and so are its histories."""

from __future__ import annotations

import asyncio
import datetime as dt
from random import Random
from typing import Any

import pytest

from firmtrail import Client
from firmtrail.testing import StandIn, access, routes
from firmtrail_contract import Role
from firmtrail_server.auth import permissions
from firmtrail_server.routes import ROUTES
from tests.served import Server
from tests.server.conftest import Clock, Demo

REPORTS = 60


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_endpoint_is_one_of_the_servers_with_its_scope(route: routes.Route) -> None:
    (same,) = [one for one in ROUTES if (one.method, one.path) == (route.method, route.path)]

    assert route.scope == same.scope


def test_every_scope_is_given_to_whom_the_server_gives_it() -> None:
    answered = {route.scope for route in routes.ROUTES}

    def of_server(scopes: frozenset[permissions.Scope]) -> set[str]:
        return {scope.value for scope in scopes} & answered

    assert {role: {*scopes} for role, scopes in access.ROLE_SCOPES.items()} == {
        role: of_server(permissions.ROLE_SCOPES[role]) for role in Role
    }
    assert {*access.DEVICE_SCOPES} == of_server(permissions.DEVICE_SCOPES)
    assert {*access.GATEWAY_SCOPES} == of_server(permissions.GATEWAY_SCOPES)
    assert {*access.KEY_SCOPES} == of_server(permissions.KEY_SCOPES)


@pytest.mark.parametrize("seed", range(3))
async def test_reports_in_any_order_make_the_same_history(server: Server, clock: Clock, demo: Demo, seed: int) -> None:
    random = Random(seed)
    clock.moment = dt.datetime.now(dt.UTC)
    said = [(random.choice("123"), clock.moment - dt.timedelta(minutes=random.randrange(40))) for _ in range(REPORTS)]

    def told(url: str, key: str, device_id: str, admin: str) -> list[Any]:
        with Client(url, api_key=key) as device, Client(url, api_key=admin) as reader:
            outcomes = [device.firmware.report(device_id, version, observed_at=at).outcome for version, at in said]
            periods = [
                (one.version, one.first_reported_at, one.last_reported_at, one.superseded_at, one.report_count)
                for one in reader.firmware.history(device_id)
            ]
            return [outcomes, periods]

    real = await asyncio.to_thread(
        told, server.url, ":".join(demo.device_key), demo.device_id, ":".join(demo.project_key)
    )
    with StandIn() as stand_in:
        device = stand_in.add_device("pump-1")
        key = stand_in.add_device_key(device.id)
        stood_in = await asyncio.to_thread(told, stand_in.url, key, str(device.id), stand_in.api_key)

    assert stood_in == real
    assert len(real[1]) > 5
