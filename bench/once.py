"""Requests that come from a list, all of them answered: a load that ends with the list, which wrk's do not.

It works on plain sockets, so that to send a request costs little beside what it costs to answer it.
"""

from __future__ import annotations

import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

from bench.errors import CannotMeasure, WrongAnswers
from bench.load import Load
from bench.requests import clock_now, filled
from bench.walk import Walk

#: longer than anything measured here takes to answer
_ANSWER_SECONDS = 60
_READ_BYTES = 65_536
_GOOD = b"HTTP/1.1 2"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass
class _Connection:
    """A connection that waits for one answer at a time."""

    socket: socket.socket
    sent_at: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        self.answer.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> bool:
        """Read what has come, and say whether the answer is complete."""
        part = self.socket.recv(_READ_BYTES)
        if not part:
            raise WrongAnswers("The server closed a connection instead of answering.")
        self.answer += part
        head, end, body = self.answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        return bool(end) and len(body) >= (int(length[1]) if length else 0)


def send_all(url: str, requests: Iterable[bytes], *, connections: int) -> Load:
    """Send each request once, on whichever connection is free, and wait for all answers.

    Raises:
        CannotMeasure: no answer comes for a minute.
        WrongAnswers: the server closes a connection.
    """
    address, waiting = urlsplit(url), iter(requests)
    latencies: list[float] = []
    wrong = 0
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        began = time.perf_counter()
        for request in islice(waiting, connections):
            connected = socket.create_connection((address.hostname, address.port), timeout=_ANSWER_SECONDS)
            connection = _Connection(stack.enter_context(connected))
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request)
        while selector.get_map():
            for key, _ in _ready(selector):
                connection = key.data
                if not connection.read():
                    continue
                latencies.append(1000 * (time.perf_counter() - connection.sent_at))
                wrong += not connection.answer.startswith(_GOOD)
                if request := next(waiting, None):
                    connection.send(request)
                else:
                    selector.unregister(connection.socket)
        return _load(latencies, seconds=time.perf_counter() - began, wrong=wrong)


def visits(url: str, requests: Sequence[str], walk: Walk, *, count: int) -> Iterator[bytes]:
    """Fill in the requests of a walk's next visits; `requests` holds one for each device."""
    return islice(_all_visits(url, requests, walk), count)


def visits_for(url: str, requests: Sequence[str], walk: Walk, *, seconds: float) -> Iterator[bytes]:
    """Fill in such requests for some seconds, each when it is sent."""
    sending = _all_visits(url, requests, walk)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        yield next(sending)


def _all_visits(url: str, requests: Sequence[str], walk: Walk) -> Iterator[bytes]:
    host = urlsplit(url).netloc
    while True:
        device, version = walk.next_visit()
        walk.position += 1
        yield filled(requests[device], host=host, version=version, clock=clock_now())


def _ready(selector: selectors.BaseSelector) -> list[tuple[selectors.SelectorKey, int]]:
    ready = selector.select(_ANSWER_SECONDS)
    if not ready:
        raise CannotMeasure(f"No answer came for {_ANSWER_SECONDS} s.")
    return ready


def _load(latencies_ms: list[float], *, seconds: float, wrong: int) -> Load:
    percentiles = statistics.quantiles(latencies_ms, n=100, method="inclusive") if len(latencies_ms) > 1 else None
    return Load(
        requests=len(latencies_ms),
        seconds=seconds,
        p50_ms=statistics.median(latencies_ms),
        p99_ms=percentiles[98] if percentiles else latencies_ms[0],
        slowest_ms=max(latencies_ms),
        wrong=wrong,
        broken=0,
        abandoned=0,
    )
