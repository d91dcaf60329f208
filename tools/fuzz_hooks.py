"""What no schema can say: which page tokens the server has made. Loaded by schemathesis; see fuzz.py."""

from __future__ import annotations

import os
from typing import Any

import schemathesis


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]  its own annotation is not whole
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: Any) -> None:
    """Give requests that are meant to be good a page token that is."""
    is_good = case.meta is not None and case.meta.generation.mode.is_positive
    if is_good and "page_token" in (case.query or {}):
        case.query["page_token"] = os.environ["FUZZ_PAGE_TOKEN"]
