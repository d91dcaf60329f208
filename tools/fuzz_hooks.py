"""What no schema can say: tokens and keys that the server has made, moments to come. Loaded by schemathesis."""

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


_PROJECT = "/v1/projects/{project_id}"
_HISTORY = "/v1/devices/{device_id}/firmware_version"


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]  its own annotation is not whole
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: Any) -> None:
    """Mend requests that are meant to be good, and those that would take away what the others are about."""
    if case.operation.path == _PROJECT and isinstance((case.query or {}).get("name"), str):
        case.query["name"] = "no project has this name"
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "page_token" in (case.query or {}):
        if case.operation.path == _HISTORY:
            case.query["page_token"] = os.environ["FUZZ_PAGE_TOKEN"]
        else:
            del case.query["page_token"]
    if isinstance(case.body, dict):
        if case.operation.path == "/v1/oauth/token":
            case.body |= _GOOD_GRANT
        if case.body.get("expires_at"):
            case.body["expires_at"] = "2099-01-01T00:00:00Z"
