"""Who may do what: the one table, and the callers it is applied to."""

from __future__ import annotations

import uuid
from enum import StrEnum
from functools import cached_property

import attrs

from firmtrail_contract import ActorKind, Role
from firmtrail_server.errors import DeviceNotFound, ProjectNotFound, RoleTooHigh, ScopeMissing


class Scope(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    #: the operator's token, which opens nothing else
    METRICS = "metrics"
    #: what a user does to oneself, in no project
    SELF = "self"
    FIRMWARE_READ = "firmware:read"
    FIRMWARE_REPORT = "firmware:report"
    #: for any device of the project
    FIRMWARE_REPORT_FOR_DEVICES = "firmware:report_for_devices"
    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    DEVICES_DELETE = "devices:delete"
    #: what a device should run, that device alone
    DEVICE_DESIRED_VERSIONS_READ = "device_desired_versions:read"
    DEVICES_ENROLL = "devices:enroll"
    DEVICE_KEYS_ROTATE = "device_keys:rotate"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    PROJECT_READ = "project:read"
    PROJECT_WRITE = "project:write"
    PROJECT_LEAVE = "project:leave"
    AUDIT_READ = "audit:read"
    #: what an API key asks about itself
    OWN_KEY_READ = "own_key:read"


#: what a login asks for beside scopes to get a refresh token (OpenID Connect Core, section 11)
OFFLINE_ACCESS = "offline_access"

#: what each allows, for those who choose the scopes of an access token
SCOPE_MEANINGS = {
    Scope.SELF: "Act for yourself outside of projects: your user, your projects, invitations to you.",
    Scope.FIRMWARE_READ: "Read what devices ran.",
    Scope.FIRMWARE_REPORT: "Report what the device runs.",
    Scope.FIRMWARE_REPORT_FOR_DEVICES: "Report what devices of the project run, as a gateway.",
    Scope.DEVICES_READ: "Read what devices there are.",
    Scope.DEVICES_WRITE: "Register, rename, label, retire and restore devices.",
    Scope.DEVICES_DELETE: "Delete devices with their history.",
    Scope.DEVICE_DESIRED_VERSIONS_READ: "Read what a device should run.",
    Scope.DEVICES_ENROLL: "Register devices by enrollment.",
    Scope.DEVICE_KEYS_ROTATE: "Replace the API keys of devices by new ones.",
    Scope.KEYS_READ: "List API keys and enrollment keys.",
    Scope.KEYS_WRITE: "Make and delete API keys and enrollment keys.",
    Scope.MEMBERS_READ: "Read who the members of the project are.",
    Scope.MEMBERS_WRITE: "Invite, change and remove members.",
    Scope.PROJECT_READ: "Read the project.",
    Scope.PROJECT_WRITE: "Rename and delete the project.",
    Scope.PROJECT_LEAVE: "Leave the project.",
    Scope.AUDIT_READ: "Read the audit trail.",
    Scope.OWN_KEY_READ: "Read what this API key is, and of which project.",
}

_VIEWER = frozenset(
    {
        Scope.PROJECT_READ,
        Scope.MEMBERS_READ,
        Scope.DEVICES_READ,
        Scope.DEVICE_DESIRED_VERSIONS_READ,
        Scope.FIRMWARE_READ,
    }
)
_EDITOR = _VIEWER | {Scope.DEVICES_WRITE, Scope.KEYS_READ, Scope.KEYS_WRITE, Scope.DEVICE_KEYS_ROTATE}
_ADMIN = _EDITOR | {Scope.PROJECT_WRITE, Scope.MEMBERS_WRITE, Scope.DEVICES_DELETE, Scope.AUDIT_READ}

#: what a member and a key of a project may do, by their role
ROLE_SCOPES = {Role.VIEWER: _VIEWER, Role.EDITOR: _EDITOR, Role.ADMIN: _ADMIN}
#: what a member may do beyond that, whatever the role
MEMBER_SCOPES = frozenset({Scope.PROJECT_LEAVE})
#: what a key of a device may do, for that device alone
DEVICE_SCOPES = frozenset({Scope.FIRMWARE_REPORT, Scope.DEVICE_KEYS_ROTATE, Scope.DEVICE_DESIRED_VERSIONS_READ})
#: what the statement that stores a report permits by itself, to the key of the device
REPORT_SCOPES = frozenset({Scope.FIRMWARE_REPORT})
#: what a key of a project may do beside its role, if it is a gateway's
GATEWAY_SCOPES = frozenset({Scope.FIRMWARE_REPORT_FOR_DEVICES})
#: what an enrollment key may do
ENROLLMENT_SCOPES = frozenset({Scope.DEVICES_ENROLL})
#: what it gives: to register devices, each of which gets a key of its own
ENROLLMENT_POWERS = ENROLLMENT_SCOPES | DEVICE_SCOPES
#: what every API key may do whatever it is for: the name of its project is no secret to who holds it
KEY_SCOPES = frozenset({Scope.OWN_KEY_READ})
#: what no role has, and who may give it by a key: who registers devices may let them enroll and report
_GIVEN_BY = {
    Scope.DEVICES_ENROLL: Scope.DEVICES_WRITE,
    Scope.FIRMWARE_REPORT: Scope.DEVICES_WRITE,
    Scope.FIRMWARE_REPORT_FOR_DEVICES: Scope.DEVICES_WRITE,
    Scope.DEVICE_DESIRED_VERSIONS_READ: Scope.DEVICES_WRITE,
    Scope.DEVICE_KEYS_ROTATE: Scope.KEYS_WRITE,
}
#: what a user may do outside of projects
USER_SCOPES = frozenset({Scope.SELF})
#: what a user's token may allow
ALL_OF_A_USER = USER_SCOPES | MEMBER_SCOPES | ROLE_SCOPES[Role.ADMIN]


@attrs.frozen(kw_only=True)
class User:
    """A person with an access token. What they may do in a project, their membership says."""

    user_id: uuid.UUID
    #: a change of password raises it, and tokens of an earlier one are not valid any more
    token_epoch: int
    #: what the token leaves of the scopes
    token_scopes: frozenset[Scope]
    #: the login that the token is of, if it is one that lasts
    session_id: uuid.UUID | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        """What they may do outside of projects."""
        return USER_SCOPES & self.token_scopes

    def as_member(self, project_id: uuid.UUID, role: Role) -> Principal:
        return Principal(
            project_id=project_id, role=role, device_id=None, user_id=self.user_id, token_scopes=self.token_scopes
        )


@attrs.frozen(kw_only=True)
class Principal:
    """Who a request acts as, and within which project: one of its keys, or one of its members."""

    project_id: uuid.UUID
    #: None for the keys of devices and of enrollment
    role: Role | None
    #: the only device this caller may name; None: any device of the project
    device_id: uuid.UUID | None
    #: it is a key of a project that may report for its devices
    reports_for_devices: bool = False
    #: what an access token leaves of the scopes; None: all of them
    token_scopes: frozenset[Scope] | None = None
    #: one of these two
    api_key_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None

    @property
    def actor_kind(self) -> ActorKind:
        return ActorKind.USER if self.user_id else ActorKind.API_KEY

    @property
    def actor_id(self) -> uuid.UUID:
        actor_id = self.user_id or self.api_key_id
        assert actor_id is not None
        return actor_id

    @cached_property
    def scopes(self) -> frozenset[Scope]:
        scopes = self.scopes_of_owner
        return scopes if self.token_scopes is None else scopes & self.token_scopes

    @property
    def scopes_of_owner(self) -> frozenset[Scope]:
        """What the role, or the kind of the key, allows, whatever the token leaves of it."""
        if self.role is not None:
            beside = GATEWAY_SCOPES if self.reports_for_devices else frozenset[Scope]()
            return ROLE_SCOPES[self.role] | beside | (MEMBER_SCOPES if self.user_id else KEY_SCOPES)
        return (DEVICE_SCOPES if self.device_id else ENROLLMENT_SCOPES) | KEY_SCOPES

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def require_role(self, role: Role) -> None:
        """Raise `RoleTooHigh` when this caller would take away more than they have."""
        if self.role is None or not ROLE_SCOPES[role] <= ROLE_SCOPES[self.role]:
            raise RoleTooHigh(role)

    def require_all_of(self, role: Role) -> None:
        """Raise `RoleTooHigh` when this caller would give more than they may do, with the token that they use."""
        if not ROLE_SCOPES[role] <= self.scopes:
            raise RoleTooHigh(role)

    def require_powers(self, scopes: frozenset[Scope]) -> None:
        """Raise `ScopeMissing` when a key with these scopes could do more than this caller, with the token they use."""
        for scope in sorted(scopes):
            giver = scope if self.role is None else _GIVEN_BY.get(scope, scope)
            if not self.scopes & {scope, giver}:
                raise ScopeMissing(giver)

    def require_device(self, device_id: uuid.UUID) -> None:
        """Raise `DeviceNotFound` when this caller speaks for another device: it may not know of this one."""
        if self.device_id is not None and self.device_id != device_id:
            raise DeviceNotFound(device_id)

    def require_project(self, project_id: uuid.UUID) -> None:
        """Raise `ProjectNotFound` when this caller belongs to another project: it may not know of this one."""
        if self.project_id != project_id:
            raise ProjectNotFound(project_id)
