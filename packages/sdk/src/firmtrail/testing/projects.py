"""The stand-in's one project."""

from __future__ import annotations

import attrs

from firmtrail.testing.request import Request
from firmtrail.testing.state import State
from firmtrail_contract import CurrentProject


def get_current_project(state: State, request: Request) -> CurrentProject:
    caller = request.caller
    project = attrs.asdict(state.project, recurse=False)
    return CurrentProject(**project, api_key_id=caller.id, role=caller.role, device_id=caller.device_id)
