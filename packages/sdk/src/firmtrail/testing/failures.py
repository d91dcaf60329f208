"""Failures on demand: what the next requests meet in the place of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import attrs
import httpx

from firmtrail_contract import Problem, ProblemCode, lenient_converter
from firmtrail_contract.problems import STATUS, problem_of

#: what a request would be answered otherwise
Work = Callable[[], httpx.Response]

_TOKEN_PATH = "/v1/oauth/token"  # noqa: S105  a path
_DETAIL = "The stand-in was told to fail."
_TOO_MANY, _UNAVAILABLE = 429, 503
_CODES = {status: code for code, status in STATUS.items()}


class _Met(NamedTuple):
    """What one request meets."""

    path: str
    meet: Callable[[httpx.Request, Work], httpx.Response]


@attrs.frozen
class Failures:
    """Those that are due, in the order in which they were asked for."""

    _due: list[_Met] = attrs.field(factory=list[_Met])

    def add(self, meet: Callable[[httpx.Request, Work], httpx.Response], times: int, path: str) -> None:
        self._due.extend([_Met(path, meet)] * times)

    def clear(self) -> None:
        self._due.clear()

    def meet(self, request: httpx.Request, work: Work) -> httpx.Response:
        """Let a request fail, if a failure is due for it; else do the work."""
        for place, one in enumerate(self._due):
            if one.path in request.url.path and (one.path or request.url.path != _TOKEN_PATH):
                del self._due[place]
                return one.meet(request, work)
        return work()


def answering(status: int, code: ProblemCode | None, retry_after: float | None) -> httpx.Response:
    """Make the answer of a server that fails; without a code for its status, that of something in between."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    code = code or _CODES.get(status)
    if code is None:
        return httpx.Response(status, text=_DETAIL, headers=headers)
    problem: Problem = attrs.evolve(problem_of(code, _DETAIL, "stand-in"), status=status)
    content = lenient_converter().unstructure(problem)
    return httpx.Response(status, json=content, headers=headers | {"Content-Type": "application/problem+json"})


def usual_wait(status: int) -> float | None:
    """Say what Retry-After a status comes with: a server's is seconds, and a test's wait is none."""
    return 0 if status in {_TOO_MANY, _UNAVAILABLE} else None


def timed_out(request: httpx.Request, _work: Work) -> httpx.Response:
    raise httpx.ReadTimeout("The stand-in gives no answer in time", request=request)


def refused(request: httpx.Request, _work: Work) -> httpx.Response:
    raise httpx.ConnectError("The stand-in refuses the connection", request=request)


def lost(request: httpx.Request, work: Work) -> httpx.Response:
    work()
    raise httpx.ReadError("The stand-in has done it, and its answer is lost", request=request)
