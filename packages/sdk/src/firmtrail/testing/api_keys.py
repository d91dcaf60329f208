"""The stand-in's API keys: those of the project and those of devices."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from firmtrail.testing.access import ROLE_SCOPES, Key, new_secret
from firmtrail.testing.paging import page_of
from firmtrail.testing.refusals import Refused, invalid_field, retired
from firmtrail.testing.request import Created, Request
from firmtrail.testing.state import State
from firmtrail_contract import (
    DeviceApiKey,
    IssuedDeviceApiKey,
    IssuedProjectApiKey,
    NewApiKey,
    NewDeviceApiKey,
    Page,
    PageQuery,
    ProblemCode,
    ProjectApiKey,
    Role,
    format_moment,
)

MAX_DEVICE_KEYS = 2
_SHOWN_CHARACTERS = 8


def create_api_key(state: State, request: Request) -> Created:
    new = request.body(NewApiKey)
    _require_all_of(request.caller, new.role)
    if new.reports_for_devices:
        request.caller.require("devices:write")
    key = _issue(state, request, new, "ftp_", role=new.role, reports_for_devices=new.reports_for_devices)
    return Created(
        IssuedProjectApiKey(
            **_issued(key),
            project_id=state.project.id,
            role=new.role,
            reports_for_devices=key.reports_for_devices,
        )
    )


def list_api_keys(state: State, request: Request) -> Page[ProjectApiKey]:
    keys = [_of_project(state, key) for key in state.credentials.keys.values() if key.role is not None]
    return page_of(keys, request.asked(PageQuery), lambda one: (format_moment(one.created_at), str(one.id)))


def delete_api_key(state: State, request: Request) -> None:
    key = state.credentials.keys.get(request.ids["api_key_id"])
    if key is None or key.role is None:
        raise _no_key(request.ids["api_key_id"])
    _require_all_of(request.caller, key.role)
    del state.credentials.keys[key.id]


def create_device_api_key(state: State, request: Request) -> Created:
    device = state.device(request.ids["device_id"]).stored
    new = request.body(NewDeviceApiKey)
    if device.retired_at is not None:
        raise retired(device.id)
    if len(state.credentials.of_device(device.id, state.now())) >= MAX_DEVICE_KEYS:
        raise Refused(ProblemCode.CONFLICT, f"The device has {MAX_DEVICE_KEYS} living API keys already.")
    key = _issue(state, request, new, "ftd_", device_id=device.id)
    return Created(IssuedDeviceApiKey(**_issued(key), device_id=device.id))


def list_device_api_keys(state: State, request: Request) -> Page[DeviceApiKey]:
    device = state.device(request.ids["device_id"]).stored
    keys = state.credentials.of_device(device.id, state.now())
    return Page(items=[DeviceApiKey(**_info(key), device_id=device.id) for key in keys])


def delete_device_api_key(state: State, request: Request) -> None:
    device = state.device(request.ids["device_id"]).stored
    key_id = request.ids["api_key_id"]
    if key_id not in {key.id for key in state.credentials.of_device(device.id, state.now())}:
        raise _no_key(key_id)
    del state.credentials.keys[key_id]


def _issue(state: State, request: Request, new: NewApiKey | NewDeviceApiKey, prefix: str, **whose: Any) -> Key:
    now = state.now()
    if new.expires_at is not None and new.expires_at <= now:
        raise invalid_field("expires_at", "must lie in the future")
    return state.credentials.add(
        Key(
            id=uuid.uuid4(),
            secret=new_secret(prefix),
            label=new.label,
            created_by=request.caller.id,
            created_at=now,
            expires_at=new.expires_at,
            **whose,
        )
    )


def _issued(key: Key) -> Mapping[str, Any]:
    return {
        "id": key.id,
        "label": key.label,
        "secret": key.secret,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


def _of_project(state: State, key: Key) -> ProjectApiKey:
    assert key.role is not None
    return ProjectApiKey(
        **_info(key), project_id=state.project.id, role=key.role, reports_for_devices=key.reports_for_devices
    )


def _info(key: Key) -> Mapping[str, Any]:
    return {
        "id": key.id,
        "label": key.label,
        "secret_start": key.secret[:_SHOWN_CHARACTERS],
        "created_by": key.created_by,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": None,
    }


def _require_all_of(caller: Key, role: Role) -> None:
    """Refuse to give or to take a role that may do more than the caller."""
    if not ROLE_SCOPES[role] <= caller.scopes:
        raise Refused(ProblemCode.FORBIDDEN, f"You can neither give nor take the role {role}: your own allows less.")


def _no_key(api_key_id: uuid.UUID) -> Refused:
    return Refused(ProblemCode.NOT_FOUND, f"There is no such key {api_key_id} here.")
