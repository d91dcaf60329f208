"""How many reports a server of ours has stored so far, and in how many commits, as its /metrics tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.request import Request, urlopen

from bench.errors import CannotMeasure

#: the variable of the server that opens /metrics
TOKEN_VARIABLE = "FIRMTRAIL_METRICS_TOKEN"  # noqa: S105  a name
_TIMEOUT_SECONDS = 10
_FIGURE = re.compile(r"^firmtrail_report_batch_size_(sum|count) (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Commits:
    """The figures of one moment."""

    reports: float
    commits: float

    def mean_since(self, before: Commits) -> float | None:
        """Give the reports a commit since then; None: there was no commit."""
        commits = self.commits - before.commits
        return (self.reports - before.reports) / commits if commits else None


def read_commits(url: str, token: str) -> Commits:
    """Ask a server.

    Raises:
        CannotMeasure: its metrics do not tell.
    """
    request = Request(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"})  # noqa: S310  http, loopback
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        return parsed(answer.read().decode())


def parsed(text: str) -> Commits:
    found = {name: float(figure) for name, figure in _FIGURE.findall(text)}
    if found.keys() != {"sum", "count"}:
        raise CannotMeasure("The server's metrics do not tell how many reports it stores in a commit.")
    return Commits(found["sum"], found["count"])
