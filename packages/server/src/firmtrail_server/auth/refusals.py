"""Why a caller may not do something, in the words of roles and keys, and whom to ask. permissions.py has the rules."""

from __future__ import annotations

from firmtrail_contract import Role
from firmtrail_server.auth.permissions import (
    DEVICE_SCOPES,
    ENROLLMENT_SCOPES,
    GATEWAY_SCOPES,
    MEMBER_SCOPES,
    ROLE_SCOPES,
    USER_SCOPES,
    Principal,
    Scope,
)

_WITH_ARTICLE = {Role.VIEWER: "a viewer", Role.EDITOR: "an editor", Role.ADMIN: "an admin"}


def reason(caller: Principal, scope: Scope, project_name: str) -> str:
    """Say why a caller lacks a scope in a project."""
    if scope in caller.scopes_of_owner:
        return f"This access token leaves out the scope {scope}: get one that has it."
    if scope in USER_SCOPES | MEMBER_SCOPES:
        return not_a_user()
    if caller.device_id is not None:
        return (
            "This is the API key of a device, which reports, and reads what the device should run. For this use a "
            "user's login or an API key of the project."
        )
    if caller.role is None:
        return "This is an enrollment key, which registers devices and nothing else. For this use another key."
    return _role_too_low(caller, caller.role, scope, project_name)


def not_a_user() -> str:
    """Say that a key asks for what users do for themselves."""
    return "This takes a user's login, and an API key is no user. Log in; by the command: firmtrail login"


def _role_too_low(caller: Principal, role: Role, scope: Scope, project_name: str) -> str:
    enough = next((one for one in Role if scope in ROLE_SCOPES[one]), None)
    if enough is None:
        return _of_no_role(scope)
    if caller.user_id is not None:
        has, needs = _WITH_ARTICLE[role], _WITH_ARTICLE[enough]
        return f"You are {has} in {project_name}; this takes {needs}: ask an admin of the project."
    return (
        f"This API key has the role {role} in {project_name}; this takes {enough}: use another key, or ask an admin of "
        "the project for one."
    )


def _of_no_role(scope: Scope) -> str:
    if scope in ENROLLMENT_SCOPES:
        return "Devices register themselves with an enrollment key. Make one, or register the device yourself."
    if scope in GATEWAY_SCOPES:
        return "A gateway does this, with an API key of the project that was made with reports_for_devices. Make one."
    if scope in DEVICE_SCOPES:
        return "A device does this with its own API key. Make one for it."
    return "An API key asks this about itself; you are a user."
