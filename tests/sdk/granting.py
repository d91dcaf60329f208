"""A server that grants access tokens as no server should, or refuses them; and reports to it, sync and async."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from firmtrail import AsyncClient, Client
from firmtrail._retry import RetryPolicy
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering
from tests.sdk.policies import with_policy

DEVICE = "00000000-0000-4000-8000-000000000000"
SECRET, TOKEN = "ftd_hidden-word", "eyJ.hidden-token.x"
TAKEN = (
    '{"component": "main", "version": "1", "observed_at": "2026-05-03T12:00:00Z",'
    ' "observed_at_source": "device", "outcome": "opened"}'
)
#: far more than any answer takes on a busy machine
PATIENCE_SECONDS = 30
REPORT = answering(201, TAKEN)
REFUSED = answering(401, WWW_Authenticate='Basic realm="x", Bearer realm="x", error="invalid_token"')


def granting(token: str = TOKEN, **changes: Any) -> Behaviour:
    granted = {"access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "firmware:report"}
    return answering(200, json.dumps(granted | changes))


def oauth_error(status: int, error: str, **headers: str) -> Behaviour:
    return answering(status, json.dumps({"error": error, "error_description": "Do this."}), **headers)


@attrs.define
class Hands:
    """The client's clock, which the test sets, and no waiting."""

    now: float = 1000.0

    @property
    def policy(self) -> RetryPolicy:
        return RetryPolicy(clock=lambda: self.now, random=lambda: 0.0)


Report = Callable[..., Awaitable[object]]


async def report_async(url: str, times: int = 1, policy: RetryPolicy | None = None, **options: Any) -> object:
    options = {"timeout": PATIENCE_SECONDS} | options
    made = AsyncClient(url, api_key=f"id:{SECRET}", **options)
    async with with_policy(made, policy or Hands().policy) as client:
        return [await client.firmware.report(DEVICE, "1") for _ in range(times)]


async def report_sync(url: str, times: int = 1, policy: RetryPolicy | None = None, **options: Any) -> object:
    options = {"timeout": PATIENCE_SECONDS} | options
    made = Client(url, api_key=f"id:{SECRET}", **options)

    def use() -> object:
        with with_policy(made, policy or Hands().policy) as client:
            return [client.firmware.report(DEVICE, "1") for _ in range(times)]

    return await asyncio.to_thread(use)


@pytest.fixture(params=[report_async, report_sync])
def report(request: pytest.FixtureRequest) -> Report:
    return request.param


def asked(server: MisbehavingServer) -> list[str]:
    """What each request was for, and whose."""
    heads = [request.split(b"\r\n\r\n")[0].decode() for request in server.requests]
    return [f"{head.split(' ')[1].rpartition('/')[2]} {authorization(head).partition(' ')[0]}" for head in heads]


def authorization(head: str) -> str:
    (value,) = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("authorization:")]
    return value


ONE_TOKEN = ["token Basic", "firmware_version Bearer"]
