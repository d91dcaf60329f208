"""The API, at a glance."""

from firmtrail_server.auth.permissions import Scope
from firmtrail_server.db import Transaction
from firmtrail_server.handlers import (
    api_keys,
    audit_events,
    device_api_keys,
    device_imports,
    devices,
    enrollment,
    enrollment_keys,
    firmware_versions,
    history,
    invitations,
    members,
    oauth,
    operations,
    projects,
    reports,
    seed,
    users,
)
from firmtrail_server.http.route import Route
from firmtrail_server.openapi import documentation

READ, WRITE = Transaction.READ, Transaction.WRITE

_PROJECT = "/v1/projects/{project_id}"
_DEVICE = "/v1/devices/{device_id}"

ROUTES = [
    Route("POST", "/v1/seed", seed.seed, Scope.PUBLIC, WRITE),
    Route(
        "POST",
        f"{_DEVICE}/firmware_version",
        history.report_firmware_version,
        Scope.FIRMWARE_REPORT,
        checks_liveness=True,
    ),
    Route("GET", f"{_DEVICE}/firmware_version", history.list_firmware_versions, Scope.FIRMWARE_READ, READ),
    Route(
        "POST",
        f"{_DEVICE}/firmware_reports",
        reports.report_firmware_batch,
        Scope.FIRMWARE_REPORT,
        checks_liveness=True,
    ),
    Route("POST", "/v1/users", users.sign_up, Scope.PUBLIC),
    Route("GET", "/v1/users/me", users.get_me, Scope.SELF, READ),
    Route("PATCH", "/v1/users/me", users.change_me, Scope.SELF, WRITE),
    Route("DELETE", "/v1/users/me", users.delete_me, Scope.SELF, WRITE),
    Route("PUT", "/v1/users/me/password", users.change_my_password, Scope.SELF),
    Route("GET", "/v1/users/me/audit_events", users.list_my_audit_events, Scope.SELF, READ),
    Route("POST", "/v1/projects", projects.create_project, Scope.SELF, WRITE),
    Route("GET", "/v1/projects", projects.list_projects, Scope.SELF, READ),
    Route("GET", "/v1/projects/current", projects.get_current_project, Scope.OWN_KEY_READ, READ),
    Route("GET", _PROJECT, projects.get_project, Scope.PROJECT_READ, READ),
    Route("PATCH", _PROJECT, projects.rename_project, Scope.PROJECT_WRITE, WRITE),
    Route("DELETE", _PROJECT, projects.delete_project, Scope.PROJECT_WRITE, WRITE, then=devices.sweep),
    Route("POST", f"{_PROJECT}/leave", members.leave_project, Scope.PROJECT_LEAVE, WRITE),
    Route("GET", f"{_PROJECT}/members", members.list_members, Scope.MEMBERS_READ, READ),
    Route("PATCH", f"{_PROJECT}/members/{{user_id}}", members.change_member, Scope.MEMBERS_WRITE, WRITE),
    Route("DELETE", f"{_PROJECT}/members/{{user_id}}", members.remove_member, Scope.MEMBERS_WRITE, WRITE),
    Route(
        "POST",
        f"{_PROJECT}/invitations",
        invitations.create_invitation,
        Scope.MEMBERS_WRITE,
        WRITE,
        then=invitations.send_invitation,
    ),
    Route("GET", f"{_PROJECT}/invitations", invitations.list_invitations, Scope.MEMBERS_WRITE, READ),
    Route(
        "DELETE", f"{_PROJECT}/invitations/{{invitation_id}}", invitations.revoke_invitation, Scope.MEMBERS_WRITE, WRITE
    ),
    Route("POST", "/v1/invitations/accept", invitations.accept_invitation, Scope.SELF, WRITE),
    Route("POST", f"{_PROJECT}/devices", devices.create_device, Scope.DEVICES_WRITE, WRITE),
    Route("GET", f"{_PROJECT}/devices", devices.list_devices, Scope.DEVICES_READ, READ),
    Route("POST", f"{_PROJECT}/devices/import", device_imports.import_devices, Scope.DEVICES_WRITE),
    Route(
        "GET",
        f"{_PROJECT}/firmware_versions",
        firmware_versions.count_firmware_versions,
        Scope.FIRMWARE_READ,
        READ,
    ),
    Route("GET", _DEVICE, devices.get_device, Scope.DEVICES_READ, READ),
    Route("PATCH", _DEVICE, devices.change_device, Scope.DEVICES_WRITE, WRITE),
    Route("DELETE", _DEVICE, devices.delete_device, Scope.DEVICES_DELETE, WRITE, then=devices.sweep),
    Route("POST", f"{_DEVICE}/retire", devices.retire_device, Scope.DEVICES_WRITE, WRITE),
    Route("POST", f"{_DEVICE}/restore", devices.restore_device, Scope.DEVICES_WRITE, WRITE),
    Route("POST", f"{_DEVICE}/api_keys", device_api_keys.create_device_api_key, Scope.KEYS_WRITE, WRITE),
    Route("GET", f"{_DEVICE}/api_keys", device_api_keys.list_device_api_keys, Scope.KEYS_READ, READ),
    Route(
        "POST",
        f"{_DEVICE}/api_keys/{{api_key_id}}/rotate",
        device_api_keys.rotate_device_api_key,
        Scope.DEVICE_KEYS_ROTATE,
        WRITE,
    ),
    Route(
        "POST",
        f"{_DEVICE}/api_keys/{{api_key_id}}/confirm",
        device_api_keys.confirm_device_api_key,
        Scope.DEVICE_KEYS_ROTATE,
        WRITE,
    ),
    Route(
        "DELETE", f"{_DEVICE}/api_keys/{{api_key_id}}", device_api_keys.delete_device_api_key, Scope.KEYS_WRITE, WRITE
    ),
    Route("POST", f"{_PROJECT}/api_keys", api_keys.create_api_key, Scope.KEYS_WRITE, WRITE),
    Route("GET", f"{_PROJECT}/api_keys", api_keys.list_api_keys, Scope.KEYS_READ, READ),
    Route("POST", f"{_PROJECT}/api_keys/{{api_key_id}}/rotate", api_keys.rotate_api_key, Scope.KEYS_WRITE, WRITE),
    Route("DELETE", f"{_PROJECT}/api_keys/{{api_key_id}}", api_keys.delete_api_key, Scope.KEYS_WRITE, WRITE),
    Route("POST", f"{_PROJECT}/enrollment_keys", enrollment_keys.create_enrollment_key, Scope.KEYS_WRITE, WRITE),
    Route("GET", f"{_PROJECT}/enrollment_keys", enrollment_keys.list_enrollment_keys, Scope.KEYS_READ, READ),
    Route(
        "DELETE",
        f"{_PROJECT}/enrollment_keys/{{enrollment_key_id}}",
        enrollment_keys.delete_enrollment_key,
        Scope.KEYS_WRITE,
        WRITE,
    ),
    Route("POST", "/v1/enroll", enrollment.enroll_device, Scope.DEVICES_ENROLL),
    Route("GET", f"{_PROJECT}/audit_events", audit_events.list_audit_events, Scope.AUDIT_READ, READ),
    Route("POST", "/v1/oauth/token", oauth.issue_token, Scope.PUBLIC),
    Route("GET", "/.well-known/oauth-authorization-server", oauth.authorization_server, Scope.PUBLIC),
    Route("GET", "/.well-known/jwks.json", oauth.signing_keys, Scope.PUBLIC),
    Route("GET", "/healthz", operations.healthz, Scope.PUBLIC),
    Route("GET", "/readyz", operations.readyz, Scope.PUBLIC),
    Route("GET", "/metrics", operations.metrics, Scope.METRICS),
    Route("GET", "/openapi.json", documentation.openapi_document, Scope.PUBLIC),
    Route("GET", "/docs", documentation.docs, Scope.PUBLIC),
]
