"""Devices that were offline, and send what waits in their spools: many records a request, several devices at once."""

from __future__ import annotations

from bench.command import say
from bench.fleet import Device
from bench.lineup import REPORTS, SERVER, Measure, Measures, our_database, our_environment
from bench.once import send_all, visits, visits_for
from bench.requests import OFFLINE_OBSERVATIONS, agents_batch, offline_batch
from bench.rows import Row, Sample
from bench.site import Books
from bench.stage import Stage
from firmtrail_contract.reports import MAX_RECORDS

DEVICES = 2000
_ROWS = {Row.OFFLINE_1: 1, Row.OFFLINE_8: 8, Row.OFFLINE_32: 32}


def offline(stage: Stage, fleet: list[Device]) -> Measures:
    """Batches of a boot that the server knows; what each device sends is later than what it has sent before."""
    say("starting our server for offline batches")
    fleet = fleet[:DEVICES]
    url = our_database(stage, "offline", fleet)
    books = Books(url, REPORTS, observations=OFFLINE_OBSERVATIONS)
    site = stage.site("offline", SERVER, our_environment(url), devices=len(fleet), books=books)
    first = visits(site.server.url, [*map(agents_batch, fleet)], site.walk, count=len(fleet))
    send_all(site.server.url, first, connections=max(_ROWS.values()))
    requests = [*map(offline_batch, fleet)]

    def measure(devices: int) -> Measure:
        def measured(seconds: int) -> Sample:
            sent = visits_for(site.server.url, requests, site.walk, seconds=seconds)
            return site.measured(lambda: send_all(site.server.url, sent, connections=devices), records=MAX_RECORDS)

        return measured

    return {row: measure(devices) for row, devices in _ROWS.items()}
