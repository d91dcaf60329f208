"""What no schema can say: which page tokens and keys the server has made. Loaded by schemathesis; see fuzz.py."""

from __future__ import annotations

import os
from typing import Any

import schemathesis

_GOOD_GRANT = {
    "grant_type": "client_credentials",
    "scope": "firmware:read",
    "client_id": os.environ["FUZZ_PROJECT_KEY_ID"],
    "client_secret": os.environ["FUZZ_PROJECT_SECRET"],
}


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]  its own annotation is not whole
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: Any) -> None:
    """Give requests that are meant to be good a page token, or what a token is granted for, that are."""
    is_good = case.meta is not None and case.meta.generation.mode.is_positive
    if is_good and "page_token" in (case.query or {}):
        case.query["page_token"] = os.environ["FUZZ_PAGE_TOKEN"]
    if is_good and case.operation.path == "/v1/oauth/token" and isinstance(case.body, dict):
        case.body |= _GOOD_GRANT
