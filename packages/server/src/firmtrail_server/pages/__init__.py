"""Pages for people: the API's handlers, rendered as HTML on the server. Nothing here decides who may see what.

`table.py` names every page. `FIRMTRAIL_PAGES=false` leaves all of them out.
"""

from __future__ import annotations

from functools import partial

from firmtrail_server.http.context import Services
from firmtrail_server.http.dispatch import Dispatcher
from firmtrail_server.pages.assets import ASSETS, AssetEndpoint
from firmtrail_server.pages.changes import ChangesEndpoint
from firmtrail_server.pages.endpoint import PageEndpoint
from firmtrail_server.pages.frame import Frame
from firmtrail_server.pages.table import CHANGES, PAGES


def add_pages(dispatcher: Dispatcher, services: Services) -> None:
    """Serve the pages and what they load beside the API."""
    dispatcher.refuse = Frame(services).refuse_path
    for page in PAGES:
        dispatcher.add(page.route, PageEndpoint)
    dispatcher.add(CHANGES.route, ChangesEndpoint)
    for asset in ASSETS.values():
        dispatcher.add(asset.route, partial(AssetEndpoint, asset=asset))
