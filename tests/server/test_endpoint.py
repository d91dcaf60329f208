"""Routes and their handlers are held together when the server starts."""

from __future__ import annotations

import uuid

import pytest

from firmtrail_server.auth.permissions import Scope
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.http.context import Context, PublicContext, ReportContext
from firmtrail_server.http.route import Route


async def of_a_device(_ctx: Context, device_id: uuid.UUID) -> None: ...


async def of_a_report(_ctx: ReportContext, device_id: uuid.UUID) -> None: ...


async def of_anyone(_ctx: PublicContext) -> None: ...


async def of_a_transaction(_ctx: Context, _conn: Connection) -> None: ...


async def of_a_name(_ctx: Context, name: str) -> None: ...


@pytest.mark.parametrize(
    "route",
    [
        Route("GET", "/x", of_a_device, Scope.FIRMWARE_READ, summary="Test"),
        Route("GET", "/x/{id}", of_a_device, Scope.FIRMWARE_READ, summary="Test"),
        Route("GET", "/x/{device_id}", of_a_device, Scope.PUBLIC, summary="Test"),
        Route("GET", "/x", of_anyone, Scope.FIRMWARE_READ, summary="Test"),
        Route("GET", "/x/{name}", of_a_name, Scope.FIRMWARE_READ, summary="Test"),
        Route("GET", "/x", of_a_transaction, Scope.FIRMWARE_READ, summary="Test"),
        Route("GET", "/x/{device_id}", of_a_device, Scope.FIRMWARE_READ, Transaction.READ, summary="Test"),
        Route("GET", "/x/{device_id}", of_a_report, Scope.DEVICES_READ, checks_liveness=True, summary="Test"),
        Route("GET", "/x/{device_id}", of_a_device, Scope.FIRMWARE_REPORT, checks_liveness=True, summary="Test"),
    ],
    ids=[
        "no id in the path",
        "another name",
        "public, yet wants a caller",
        "scoped, yet wants none",
        "no UUID",
        "no transaction",
        "a transaction that it does not take",
        "liveness of other keys than a device's",
        "liveness, yet wants a caller",
    ],
)
def test_a_handler_that_does_not_fit_its_route_stops_the_start(route: Route) -> None:
    with pytest.raises(TypeError, match=route.handler.__name__):
        route.check()


def test_a_route_without_a_summary_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="summary"):
        Route("GET", "/x", of_anyone, Scope.PUBLIC)  # pyright: ignore[reportCallIssue]
