"""The reference of this API, as files: openapi.json for programs, docs.html for people.

Both are generated: `./dev openapi` writes them from the routes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def openapi_json() -> bytes:
    return files(__name__).joinpath("openapi.json").read_bytes()


@cache
def docs_html() -> bytes:
    return files(__name__).joinpath("docs.html").read_bytes()
