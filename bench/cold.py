"""Devices that each report once to a server that has just started, so it remembers no credential.

A fleet that reports every hour is always in that state, since a credential is remembered for ten minutes. The database
knows the devices, their versions and their boots.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.command import say
from bench.commits import TOKEN_VARIABLE
from bench.cpu import wait_until_quiet
from bench.fleet import Device, bearer
from bench.lineup import CONNECTIONS, PERIODS, REPORTS, SERVER, Measure, Measures, our_database, our_environment
from bench.once import send_all, visits
from bench.processes import running
from bench.requests import COMPONENTS, agents_batch, report, token_request
from bench.rows import Row, Sample
from bench.site import Books, Site
from bench.stage import Stage
from bench.tokens import fetch_tokens
from bench.walk import Walk

DEVICES = 6000


class _ColdSite:
    """A database with a fleet in it, and a server over it that is started anew for each load."""

    def __init__(self, stage: Stage, name: str, fleet: list[Device], *, observations: int) -> None:
        self._fleet = fleet
        url = our_database(stage, name, fleet)
        #: tokens stay good: the signing keys are the same at every start
        self._environment = our_environment(url)
        with running(SERVER, self._environment) as server:
            books = Books(url, REPORTS, PERIODS, observations)
            self._site = Site(name, server, stage.cluster, Walk(len(fleet)), books, self._environment[TOKEN_VARIABLE])
        stage.sites.append(self._site)

    def bearers(self) -> list[str]:
        with running(SERVER, self._environment) as server:
            return [bearer(token) for token in fetch_tokens(server.url, self._fleet)]

    def measure(self, requests: Sequence[str]) -> Sample:
        """Start the server, and let each device send its request."""
        site = self._site
        with running(SERVER, self._environment) as site.server:
            wait_until_quiet(site.server.pid)
            messages = [*visits(site.server.url, requests, site.walk, count=len(requests))]
            return site.measured(lambda: send_all(site.server.url, messages, connections=CONNECTIONS))


def cold(stage: Stage, fleet: list[Device]) -> Measures:
    """Reports and batches with each kind of credential, and the tokens themselves."""
    fleet = fleet[:DEVICES]
    say("filling the databases of the cold rows: access tokens, first reports, first batches")
    reports = _ColdSite(stage, "cold", fleet, observations=1)
    batches = _ColdSite(stage, "cold_batches", fleet, observations=len(COMPONENTS))
    tokens = _ColdSite(stage, "tokens", fleet, observations=0)
    loads = {
        Row.COLD_BASIC: (reports, [*map(report, fleet)]),
        Row.COLD_BEARER: (reports, [*map(report, fleet, reports.bearers())]),
        Row.COLD_BATCH: (batches, [*map(agents_batch, fleet)]),
        Row.COLD_BATCH_BEARER: (batches, [*map(agents_batch, fleet, batches.bearers())]),
        Row.TOKENS: (tokens, [*map(token_request, fleet)]),
    }
    for row in (Row.COLD_BASIC, Row.COLD_BATCH):
        site, requests = loads[row]
        site.measure(requests)
    return {row: _measure(site, requests) for row, (site, requests) in loads.items()}


def _measure(site: _ColdSite, requests: Sequence[str]) -> Measure:
    return lambda _: site.measure(requests)
