"""Two projects that know nothing of one another, and everybody who could ask for something in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import httpx

from firmtrail_contract import Role
from firmtrail_server.auth.permissions import (
    DEVICE_SCOPES,
    ENROLLMENT_SCOPES,
    GATEWAY_SCOPES,
    KEY_SCOPES,
    MEMBER_SCOPES,
    ROLE_SCOPES,
    USER_SCOPES,
    Scope,
)
from tests.server.callers import Caller, join, key_of, log_in, made, new_user, read


@attrs.frozen
class Somebody:
    """A caller, and what the table of access says of them in their own project."""

    caller: Caller
    scopes: frozenset[Scope]
    #: the project that they belong to; "": none
    project_id: str = ""
    #: the only device that they may know of
    device_id: str | None = None

    def knows(self, ids: Mapping[str, str]) -> bool:
        """Whether they may know of what a path names."""
        if ids.get("project_id", self.project_id) != self.project_id:
            return False
        if "device_id" not in ids or self.device_id is None:
            return "device_id" not in ids or ids["owner_of_device"] == self.project_id
        return ids["device_id"] == self.device_id


@attrs.frozen
class Project:
    """A project with one of everything in it, and the people and keys that belong to it."""

    #: what stands for the placeholders of paths
    ids: dict[str, str]
    device_key_id: str
    people: dict[str, Somebody]

    def ids_of(self, path: str) -> dict[str, str]:
        """The ids that a path asks for; an API key is the device's below a device."""
        ids = dict(self.ids)
        if "{device_id}" in path:
            ids["api_key_id"] = self.device_key_id
        return {name: ids[name] for name in ids if f"{{{name}}}" in path}


async def build(http: httpx.AsyncClient, name: str) -> Project:
    """Make a project with an admin, an editor and a viewer, a key of each role, a device and an enrollment key."""
    users = {role: await new_user(http, f"{role}@{name}.example", name=f"{role} of {name}") for role in Role}
    admin = users[Role.ADMIN]
    project_id = made(await admin.post("projects", {"name": name}))["id"]
    path = f"projects/{project_id}"
    for role in (Role.EDITOR, Role.VIEWER):
        await join(users[role], admin, path, role)
    keys = {role: made(await admin.post(f"{path}/api_keys", {"role": role})) for role in Role}
    device, device_key = await _device(admin, path, "a")
    other_device, other_key = await _device(admin, path, "b")
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 9}
    gateway = made(await admin.post(f"{path}/api_keys", {"role": Role.VIEWER, "reports_for_devices": True}))
    enrollment_key = made(await admin.post(f"{path}/enrollment_keys", terms))
    people: dict[str, Somebody] = {
        **{f"member {role}": _member(users[role], role, project_id) for role in Role},
        **{f"key {role}": _key(http, keys[role], ROLE_SCOPES[role], project_id) for role in Role},
        "device": _key(http, device_key, DEVICE_SCOPES, project_id, device),
        "other device": _key(http, other_key, DEVICE_SCOPES, project_id, other_device),
        "gateway": _key(http, gateway, ROLE_SCOPES[Role.VIEWER] | GATEWAY_SCOPES, project_id),
        "enrollment key": _key(http, enrollment_key, ENROLLMENT_SCOPES, project_id),
    }
    ids = {
        "project_id": project_id,
        "device_id": device,
        "user_id": read(await users[Role.VIEWER].get("users/me"))["id"],
        "api_key_id": keys[Role.VIEWER]["id"],
        "enrollment_key_id": enrollment_key["id"],
        "session_id": await _session_of(http, f"viewer@{name}.example"),
        "desired_version_id": made(await admin.post(f"{path}/desired_versions", {"versions": ["1.5.0"]}))["id"],
        "invitation_id": made(await admin.post(f"{path}/invitations", {"role": "viewer"}))["id"],
    }
    return Project(ids, device_key["id"], people)


async def _session_of(http: httpx.AsyncClient, email: str) -> str:
    user = await log_in(http, email, scope="offline_access")
    return read(await user.get("users/me/sessions"))["items"][0]["id"]


async def nobodys_user(http: httpx.AsyncClient) -> Somebody:
    return Somebody(await new_user(http, "nobody@nowhere.example"), USER_SCOPES)


def _member(user: Caller, role: Role, project_id: str) -> Somebody:
    return Somebody(user, ROLE_SCOPES[role] | MEMBER_SCOPES | USER_SCOPES, project_id)


def _key(
    http: httpx.AsyncClient, issued: Any, scopes: frozenset[Scope], project_id: str, device_id: str | None = None
) -> Somebody:
    return Somebody(Caller(http, key_of(issued)), scopes | KEY_SCOPES, project_id, device_id)


async def _device(admin: Caller, path: str, name: str) -> tuple[str, Any]:
    device = made(await admin.post(f"{path}/devices", {"name": name}))
    return device["id"], made(await admin.post(f"devices/{device['id']}/api_keys", {}))
