"""Where a benchmark takes place: a folder, a PostgreSQL in it, and the servers started so far. All go at the end."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cluster import Cluster, running_cluster
from bench.commits import TOKEN_VARIABLE
from bench.processes import running
from bench.site import Books, Site
from bench.walk import CHANGE_EVERY, Walk


@dataclass
class Stage:
    """What the parts of a benchmark are started on."""

    folder: Path
    cluster: Cluster
    stack: ExitStack
    sites: list[Site] = field(default_factory=list)

    def site(  # noqa: PLR0913  a site has that many sides
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        devices: int,
        books: Books | None = None,
        change_every: int = CHANGE_EVERY,
    ) -> Site:
        """Start a server for a fleet of that size."""
        server = self.stack.enter_context(running(command, environment))
        self.sites.append(
            Site(
                name,
                server,
                self.cluster,
                Walk(devices, change_every=change_every),
                books,
                environment.get(TOKEN_VARIABLE),
            )
        )
        return self.sites[-1]

    def check_periods(self) -> None:
        for site in self.sites:
            site.check_periods()


@contextmanager
def open_stage() -> Generator[Stage]:
    """Make a stage for as long as the block lasts.

    It lies in the temporary directory itself, where the user who runs PostgreSQL for root can reach it.
    """
    folder = Path(tempfile.gettempdir()) / f"firmtrail-bench-{uuid.uuid4().hex[:12]}"
    try:
        with running_cluster(folder / "postgres") as cluster, ExitStack() as stack:
            yield Stage(folder, cluster, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
