"""What pages load: our own style sheet and modules, under names that change with their content."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files

import attrs
from aiohttp import hdrs

from firmtrail_server.auth.permissions import Scope
from firmtrail_server.http.context import PublicContext, Services
from firmtrail_server.http.endpoint import Endpoint
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response
from firmtrail_server.http.route import Route
from firmtrail_server.http.traffic import Meter

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_KEPT = "Cache-Control: public, max-age=31536000, immutable\r\nVary: Accept-Encoding\r\n"
_NOT_MODIFIED = 304
#: a module's name holds its content, with the names of what it imports: those are made before
_IMPORTED_FIRST = {"fetching.js": 0, "time_bar.js": 0.5, "entry.js": 2}


async def _asset(_ctx: PublicContext) -> None:
    """Stand in the route; the endpoint answers without a handler."""


@attrs.frozen
class Asset:
    """A file, ready to be sent."""

    name: str
    content: bytes
    compressed: bytes
    digest: str

    @property
    def path(self) -> str:
        stem, _, kind = self.name.rpartition(".")
        return f"/static/{stem}.{self.digest}.{kind}"

    @property
    def route(self) -> Route:
        return Route("GET", self.path, _asset, Scope.PUBLIC, summary="A file of the pages")


def read_assets() -> dict[str, Asset]:
    """Read all files, by name; a module imports others by the names that they are served under."""
    found: dict[str, Asset] = {}
    folder = files(__name__.rpartition(".")[0]).joinpath("files")
    for file in sorted(folder.iterdir(), key=lambda file: (_IMPORTED_FIRST.get(file.name, 1), file.name)):
        content = file.read_text(encoding="utf-8")
        for name, asset in found.items():
            content = content.replace(f'"./{name}"', f'"{asset.path}"')
        found[file.name] = _asset_of(file.name, content.encode())
    return found


def _asset_of(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(name, content, gzip.compress(content, mtime=0), digest)


ASSETS = read_assets()


class AssetEndpoint(Endpoint):
    """Serves one file."""

    def __init__(self, route: Route, services: Services, meter: Meter, *, asset: Asset) -> None:
        super().__init__(route, services, meter)
        self._asset = asset
        self._kind = f"Content-Type: {_TYPES[asset.name.rpartition('.')[2]]}\r\n{_KEPT}"

    async def respond(self, request: Request, named: Named) -> Response:  # noqa: ARG002  the path names nothing
        """Serve a request."""
        asset, etag = self._asset, f'"{self._asset.digest}"'
        if request.headers.get(hdrs.IF_NONE_MATCH) == etag:
            return Response(_NOT_MODIFIED, self._kind, headers={hdrs.ETAG: etag})
        headers: dict[str, str] = {hdrs.ETAG: etag}
        content = asset.content
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            headers[hdrs.CONTENT_ENCODING], content = "gzip", asset.compressed
        return Response(200, self._kind, content, headers)
