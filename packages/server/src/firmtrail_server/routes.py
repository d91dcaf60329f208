"""The API, at a glance."""

from firmtrail_server.access import Scope
from firmtrail_server.handlers import (
    api_keys,
    audit_events,
    device_api_keys,
    device_imports,
    devices,
    enrollment,
    enrollment_keys,
    firmware,
    oauth,
    operations,
    seed,
)
from firmtrail_server.http.endpoint import Route
from firmtrail_server.openapi import documentation

_PROJECT = "/v1/projects/{project_id}"
_DEVICE = "/v1/devices/{device_id}"

ROUTES = [
    Route("POST", "/v1/seed", seed.seed, Scope.PUBLIC),
    Route("POST", f"{_DEVICE}/firmware_version", firmware.report_firmware_version, Scope.FIRMWARE_REPORT),
    Route("GET", f"{_DEVICE}/firmware_version", firmware.list_firmware_versions, Scope.FIRMWARE_READ),
    Route("POST", f"{_PROJECT}/devices", devices.create_device, Scope.DEVICES_WRITE),
    Route("GET", f"{_PROJECT}/devices", devices.list_devices, Scope.DEVICES_READ),
    Route("POST", f"{_PROJECT}/devices/import", device_imports.import_devices, Scope.DEVICES_WRITE),
    Route("GET", _DEVICE, devices.get_device, Scope.DEVICES_READ),
    Route("PATCH", _DEVICE, devices.change_device, Scope.DEVICES_WRITE),
    Route("DELETE", _DEVICE, devices.delete_device, Scope.DEVICES_DELETE),
    Route("POST", f"{_DEVICE}/retire", devices.retire_device, Scope.DEVICES_WRITE),
    Route("POST", f"{_DEVICE}/restore", devices.restore_device, Scope.DEVICES_WRITE),
    Route("POST", f"{_DEVICE}/api_keys", device_api_keys.create_device_api_key, Scope.KEYS_WRITE),
    Route("GET", f"{_DEVICE}/api_keys", device_api_keys.list_device_api_keys, Scope.KEYS_READ),
    Route(
        "POST",
        f"{_DEVICE}/api_keys/{{api_key_id}}/rotate",
        device_api_keys.rotate_device_api_key,
        Scope.DEVICE_KEYS_ROTATE,
    ),
    Route("DELETE", f"{_DEVICE}/api_keys/{{api_key_id}}", device_api_keys.delete_device_api_key, Scope.KEYS_WRITE),
    Route("POST", f"{_PROJECT}/api_keys", api_keys.create_api_key, Scope.KEYS_WRITE),
    Route("GET", f"{_PROJECT}/api_keys", api_keys.list_api_keys, Scope.KEYS_READ),
    Route("POST", f"{_PROJECT}/api_keys/{{api_key_id}}/rotate", api_keys.rotate_api_key, Scope.KEYS_WRITE),
    Route("DELETE", f"{_PROJECT}/api_keys/{{api_key_id}}", api_keys.delete_api_key, Scope.KEYS_WRITE),
    Route("POST", f"{_PROJECT}/enrollment_keys", enrollment_keys.create_enrollment_key, Scope.KEYS_WRITE),
    Route("GET", f"{_PROJECT}/enrollment_keys", enrollment_keys.list_enrollment_keys, Scope.KEYS_READ),
    Route(
        "DELETE",
        f"{_PROJECT}/enrollment_keys/{{enrollment_key_id}}",
        enrollment_keys.delete_enrollment_key,
        Scope.KEYS_WRITE,
    ),
    Route("POST", "/v1/enroll", enrollment.enroll_device, Scope.DEVICES_ENROLL),
    Route("GET", f"{_PROJECT}/audit_events", audit_events.list_audit_events, Scope.AUDIT_READ),
    Route("POST", "/v1/oauth/token", oauth.issue_token, Scope.PUBLIC),
    Route("GET", "/.well-known/oauth-authorization-server", oauth.authorization_server, Scope.PUBLIC),
    Route("GET", "/.well-known/jwks.json", oauth.signing_keys, Scope.PUBLIC),
    Route("GET", "/healthz", operations.healthz, Scope.PUBLIC),
    Route("GET", "/readyz", operations.readyz, Scope.PUBLIC),
    Route("GET", "/openapi.json", documentation.openapi_document, Scope.PUBLIC),
    Route("GET", "/docs", documentation.docs, Scope.PUBLIC),
]
