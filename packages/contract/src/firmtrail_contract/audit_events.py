"""The audit trail: who changed what, when and from where."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs

from firmtrail_contract.paging import PageQuery


class ActorKind(StrEnum):
    """Who can change something."""

    USER = "user"
    API_KEY = "api_key"
    OPERATOR = "operator"


class AuditAction(StrEnum):
    """What was done."""

    USER_SIGNED_UP = "user.signed_up"
    USER_CHANGED = "user.changed"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105  the name of an action
    USER_DELETED = "user.deleted"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    PROJECT_CREATED = "project.created"
    PROJECT_RENAMED = "project.renamed"
    PROJECT_DELETED = "project.deleted"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    INVITATION_CREATED = "invitation.created"
    INVITATION_REVOKED = "invitation.revoked"
    API_KEY_CREATED = "api_key.created"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_DELETED = "api_key.deleted"
    DEVICE_API_KEY_CREATED = "device_api_key.created"
    DEVICE_API_KEY_ROTATED = "device_api_key.rotated"
    DEVICE_API_KEY_DELETED = "device_api_key.deleted"
    DEVICE_CREATED = "device.created"
    DEVICE_CHANGED = "device.changed"
    DEVICE_RETIRED = "device.retired"
    DEVICE_RESTORED = "device.restored"
    DEVICE_DELETED = "device.deleted"
    DEVICE_ENROLLED = "device.enrolled"
    DEVICE_ENROLLMENT_REFUSED = "device.enrollment_refused"
    DEVICE_FOUND_ON_TWO_MACHINES = "device.found_on_two_machines"
    ENROLLMENT_KEY_CREATED = "enrollment_key.created"
    ENROLLMENT_KEY_DELETED = "enrollment_key.deleted"
    DESIRED_VERSION_SET = "desired_version.set"
    DESIRED_VERSION_ENDED = "desired_version.ended"


@attrs.frozen(kw_only=True)
class AuditEvent:
    """A change that somebody made. It is never altered, also not when those it names are gone."""

    id: uuid.UUID
    occurred_at: dt.datetime
    #: what was done to the target
    action: AuditAction
    actor_kind: ActorKind
    #: null for the operator
    actor_id: uuid.UUID | None
    #: the user's name or the API key's label, as it was then
    actor_name: str
    #: the project, member, session, invitation, key, device or desired version that was changed
    target_id: uuid.UUID
    #: what the target was called then
    target_name: str
    #: what the change set, without any secret
    details: dict[str, str]
    #: the network address that the request came from
    address: str
    #: names the request in the server's log
    request_id: str


@attrs.frozen(kw_only=True)
class AuditQuery(PageQuery):
    """Which events of a project; filters add up."""

    action: AuditAction | None = None
    actor_id: uuid.UUID | None = None
    target_id: uuid.UUID | None = None
    occurred_from: dt.datetime | None = None
    occurred_before: dt.datetime | None = None
