"""From a caller and the ids of a path to a principal who has the route's scope there."""

from __future__ import annotations

from firmtrail_server.auth.permissions import ENROLLMENT_SCOPES, Principal, Scope, User
from firmtrail_server.auth.refusals import not_a_user, reason
from firmtrail_server.db import Connection
from firmtrail_server.errors import DeviceNotFound, NoProjectNamed, ProjectNotFound, ScopeMissing
from firmtrail_server.http.requests import Named
from firmtrail_server.queries import devices, members, projects


async def authorized(conn: Connection, caller: User | Principal, named: Named, scope: Scope) -> Principal:
    """Find the project that a path is about, and hold the caller to what they may do in it.

    Who may not know of a thing is told that it does not exist; who may, and lacks the scope, is told so.

    Raises:
        ProjectNotFound, DeviceNotFound: there is none that the caller may know of.
        ScopeMissing: the caller may not do this here.
        NoProjectNamed: the path leaves the project to an API key, and the caller is a user.
        InvalidRequest: a user's path names nothing, for its ids are wrong.
    """
    if isinstance(caller, User):
        named.check()  # without its id a user is in no project
        principal = await _member(conn, caller, named, scope)
    else:
        principal = caller
        if "project_id" in named.ids:
            principal.require_project(named.ids["project_id"])
        if "device_id" in named.ids:
            principal.require_device(named.ids["device_id"])
    if principal.may(scope):
        return principal
    if isinstance(caller, Principal) and "device_id" in named.ids:
        await devices.get(conn, principal.project_id, named.ids["device_id"])
    project = await projects.get(conn, principal.project_id)
    raise ScopeMissing(scope, reason(principal, scope, project.name))


def as_user(caller: User | Principal, scope: Scope) -> User:
    """Take the caller for a user who acts for oneself.

    Raises:
        ScopeMissing: the caller is a key, or the token leaves this out.
    """
    if not isinstance(caller, User):
        raise ScopeMissing(scope, not_a_user())
    if scope not in caller.scopes:
        raise ScopeMissing(scope)
    return caller


async def _member(conn: Connection, user: User, named: Named, scope: Scope) -> Principal:
    """One look-up: what the path names gives the project, the membership in it the role."""
    if "project_id" in named.ids:
        role = await members.find_role(conn, named.ids["project_id"], user.user_id)
        if role is None:
            raise ProjectNotFound(named.ids["project_id"])
        return user.as_member(named.ids["project_id"], role)
    if "device_id" in named.ids:
        membership = await members.find_by_device(conn, named.ids["device_id"], user.user_id)
        if membership is None:
            raise DeviceNotFound(named.ids["device_id"])
        return user.as_member(membership.project_id, membership.role)
    raise ScopeMissing(scope) if scope in ENROLLMENT_SCOPES else NoProjectNamed
