"""What the server says of simulated lives, of which it is known what the devices ran."""

from __future__ import annotations

import asyncio
import datetime as dt

import httpx
import pytest

from firmtrail_contract import ReportBatch, strict_converter
from tests.served import Server
from tests.server.callers import Caller, key_of, made, read
from tests.server.conftest import Clock, Demo
from tests.server.lives import KINDS, History, Rules, Wrong, judged, lived

LIVES = range(300)
#: of the restored states and late batches of which nobody can know what they are, see docs/decisions/0006-boots.md
UNKNOWABLE = {Wrong.OLD_UNTIL_REPORT, Wrong.RETRY}


@pytest.mark.parametrize("kind", KINDS)
def test_no_life_ends_with_an_old_version_or_in_the_future(kind: str) -> None:
    wrong = {seed: found for seed in LIVES if (found := judged(lived(kind, seed, Rules())) - UNKNOWABLE)}

    assert wrong == {}


@pytest.mark.parametrize("kind", ["online", "late"])
def test_a_retry_changes_no_life_whose_state_was_kept(kind: str) -> None:
    assert [seed for seed in LIVES if Wrong.RETRY in judged(lived(kind, seed, Rules()))] == []


class RealServer:
    """The server, asked by HTTP from another thread, and its rules beside it."""

    def __init__(self, http: httpx.Client, key: tuple[str, str], device: str, clock: Clock) -> None:
        self._http, self._key, self._clock = http, key, clock
        self._path = f"/v1/devices/{device}/firmware_reports"
        self._rules = Rules()

    def receive(self, batch: ReportBatch, at: dt.datetime) -> None:
        """Take a batch, which arrives at a moment."""
        self._clock.moment = at
        self._rules.receive(batch, at)
        body = strict_converter().unstructure(batch)
        self._http.post(self._path, json=body, auth=self._key).raise_for_status()

    def history(self) -> History:
        """Say what the device ran, by the rules."""
        return self._rules.history()


async def test_the_server_tells_lives_as_its_rules_do(server: Server, demo: Demo, admin: Caller, clock: Clock) -> None:
    write = strict_converter().unstructure
    with httpx.Client(base_url=server.url) as http:
        for seed in range(12):
            device = made(await admin.post(f"projects/{demo.project_id}/devices", {"name": f"life {seed}"}))["id"]
            key = key_of(made(await admin.post(f"devices/{device}/api_keys", {})))
            real = RealServer(http, key, device, clock)
            await asyncio.to_thread(_live, seed, real)

            told = read(await admin.get(f"devices/{device}/firmware_version", page_size=1_000))["items"]

            assert [(one["version"], one["first_reported_at"], one["last_reported_at"]) for one in told] == [
                (version, write(first), write(last)) for version, first, last in real.history()
            ]


def _live(seed: int, server: RealServer) -> None:
    judged(lived("all", seed, server))
