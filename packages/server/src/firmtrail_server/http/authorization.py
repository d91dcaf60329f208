"""From a caller and the ids of a path to a principal who has the route's scope there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from firmtrail_server.access import Principal, Scope, User
from firmtrail_server.db import Connection, Database
from firmtrail_server.errors import DeviceNotFound, ProjectNotFound, ScopeMissing
from firmtrail_server.queries import devices, project_members


async def authorized(caller: User | Principal, path: Mapping[str, uuid.UUID], scope: Scope, db: Database) -> Principal:
    """Find the project that a path is about, and hold the caller to what they may do in it.

    Who may not know of a thing is told that it does not exist; who may, and lacks the scope, is told so.

    Raises:
        ProjectNotFound, DeviceNotFound: there is none that the caller may know of.
        ScopeMissing: the caller may not do this here.
    """
    if isinstance(caller, User):
        principal = await db.retried(lambda conn: _member(conn, caller, path, scope))
    else:
        principal = caller
        if "project_id" in path:
            principal.require_project(path["project_id"])
        if "device_id" in path:
            principal.require_device(path["device_id"])
    if principal.may(scope):
        return principal
    if isinstance(caller, Principal) and "device_id" in path:
        await db.retried(lambda conn: devices.get(conn, principal.project_id, path["device_id"]))
    raise ScopeMissing(scope)


def as_user(caller: User | Principal, scope: Scope) -> User:
    """Take the caller for a user who acts for oneself.

    Raises:
        ScopeMissing: the caller is a key, or the token leaves this out.
    """
    if not isinstance(caller, User) or scope not in caller.scopes:
        raise ScopeMissing(scope)
    return caller


async def _member(conn: Connection, user: User, path: Mapping[str, uuid.UUID], scope: Scope) -> Principal:
    """One look-up: what the path names gives the project, the membership in it the role."""
    if "project_id" in path:
        role = await project_members.find_role(conn, path["project_id"], user.user_id)
        if role is None:
            raise ProjectNotFound(path["project_id"])
        return user.as_member(path["project_id"], role)
    if "device_id" in path:
        membership = await project_members.find_by_device(conn, path["device_id"], user.user_id)
        if membership is None:
            raise DeviceNotFound(path["device_id"])
        return user.as_member(membership.project_id, membership.role)
    raise ScopeMissing(scope)
