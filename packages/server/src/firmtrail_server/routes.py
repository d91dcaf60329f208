"""The API, at a glance."""

from firmtrail_server.access import Scope
from firmtrail_server.handlers import firmware, oauth, operations, reports, seed
from firmtrail_server.http.endpoint import Route
from firmtrail_server.openapi import documentation

ROUTES = [
    Route("POST", "/v1/seed", seed.seed, Scope.PUBLIC),
    Route("POST", "/v1/devices/{device_id}/firmware_version", firmware.report_firmware_version, Scope.FIRMWARE_REPORT),
    Route("GET", "/v1/devices/{device_id}/firmware_version", firmware.list_firmware_versions, Scope.FIRMWARE_READ),
    Route("POST", "/v1/devices/{device_id}/firmware_reports", reports.report_firmware_batch, Scope.FIRMWARE_REPORT),
    Route("POST", "/v1/oauth/token", oauth.issue_token, Scope.PUBLIC),
    Route("GET", "/.well-known/oauth-authorization-server", oauth.authorization_server, Scope.PUBLIC),
    Route("GET", "/.well-known/jwks.json", oauth.signing_keys, Scope.PUBLIC),
    Route("GET", "/healthz", operations.healthz, Scope.PUBLIC),
    Route("GET", "/readyz", operations.readyz, Scope.PUBLIC),
    Route("GET", "/openapi.json", documentation.openapi_document, Scope.PUBLIC),
    Route("GET", "/docs", documentation.docs, Scope.PUBLIC),
]
