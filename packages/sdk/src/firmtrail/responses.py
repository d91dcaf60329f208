"""An answer as it came over the wire, for programs that want more of it than the models hold."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class RawResponse:
    """The whole answer to a call, good or not. Its content may hold a secret, such as a new API key: no `repr` does."""

    method: str
    #: without the query
    path: str
    status: int
    #: by lower-case name
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    #: names the request in the server's log
    request_id: str | None
