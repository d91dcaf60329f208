"""What serves the imports of many rows: few at a time, none of a stranger, and the long work off the loop."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from firmtrail_server.errors import TooManyImports
from firmtrail_server.http.authorization_header import read_credential
from firmtrail_server.http.context import Context, Services
from firmtrail_server.http.endpoint import Call, Endpoint, response_of
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response
from firmtrail_server.http.route import Route
from firmtrail_server.http.traffic import Meter

#: an import needs up to 40 MiB: as it was sent, decompressed, as text of four bytes a character, and cut into lines
MAX_IMPORTS = 4
MAX_IMPORTS_OF_A_PROJECT = 3


class RowsEndpoint(Endpoint):
    """Finds out who asks before any row is read."""

    def __init__(self, route: Route, services: Services, meter: Meter) -> None:
        super().__init__(route, services, meter)
        self._imports = Counter[uuid.UUID]()

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        credential = read_credential(request, self.services.authentication)
        ctx = await self.permit(Call(request, named, credential))
        assert isinstance(ctx, Context)
        with self._place(ctx.principal.project_id):
            return await super().respond(request, named)

    async def render(self, call: Call, answer: Any) -> Response:  # noqa: ARG002
        """Write the result of thousands of rows while others are served."""
        return await asyncio.to_thread(response_of, answer)

    @contextmanager
    def _place(self, project_id: uuid.UUID) -> Generator[None]:
        """Take one of the places of this worker.

        Raises:
            TooManyImports: the project has as many as it may have, or there is none left.
        """
        if self._imports.total() >= MAX_IMPORTS or self._imports[project_id] >= MAX_IMPORTS_OF_A_PROJECT:
            raise TooManyImports
        self._imports[project_id] += 1
        try:
            yield
        finally:
            self._imports[project_id] -= 1
            self._imports += Counter()  # forgets projects that have none
