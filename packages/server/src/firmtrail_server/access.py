"""Who may do what: the one table, and the caller it is applied to."""

from __future__ import annotations

import uuid
from enum import StrEnum

import attrs

from firmtrail_contract import Role
from firmtrail_server.errors import DeviceNotFound, ScopeMissing


class Scope(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    FIRMWARE_READ = "firmware:read"
    FIRMWARE_REPORT = "firmware:report"


#: what each allows, for those who choose the scopes of an access token
SCOPE_MEANINGS = {
    Scope.FIRMWARE_READ: "Read what devices ran.",
    Scope.FIRMWARE_REPORT: "Report what the device runs.",
}

_VIEWER = frozenset({Scope.FIRMWARE_READ})
_EDITOR = _VIEWER
_ADMIN = _EDITOR

#: what a key of a project may do, by its role
ROLE_SCOPES = {Role.VIEWER: _VIEWER, Role.EDITOR: _EDITOR, Role.ADMIN: _ADMIN}
#: what a key of a device may do, for that device alone
DEVICE_SCOPES = frozenset({Scope.FIRMWARE_REPORT})


#: scopes of routes whose own statement asks whether the key is alive, in the transaction that writes
CHECKED_WHEN_WRITTEN = frozenset({Scope.FIRMWARE_REPORT})


@attrs.frozen(kw_only=True)
class Principal:
    """Who a request acts as, and within which project."""

    api_key_id: uuid.UUID
    project_id: uuid.UUID
    role: Role | None
    #: the only device this caller may name; None: any device of the project
    device_id: uuid.UUID | None
    #: what an access token leaves of the key's scopes; None: all of them
    token_scopes: frozenset[Scope] | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        of_the_key = DEVICE_SCOPES if self.role is None else ROLE_SCOPES[self.role]
        return of_the_key if self.token_scopes is None else of_the_key & self.token_scopes

    def require(self, scope: Scope) -> None:
        """Raise `ScopeMissing` unless this caller has the scope."""
        if scope not in self.scopes:
            raise ScopeMissing(scope)

    def require_device(self, device_id: uuid.UUID) -> None:
        """Raise `DeviceNotFound` when this caller speaks for another device: it may not know of this one."""
        if self.device_id not in (None, device_id):
            raise DeviceNotFound(device_id)
