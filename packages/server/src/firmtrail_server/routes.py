"""The API, at a glance."""

from firmtrail_server.access import Scope
from firmtrail_server.handlers import firmware, operations, seed
from firmtrail_server.http.endpoint import Route
from firmtrail_server.openapi import documentation

ROUTES = [
    Route("POST", "/v1/seed", seed.seed, Scope.PUBLIC),
    Route("POST", "/v1/devices/{device_id}/firmware_version", firmware.report_firmware_version, Scope.FIRMWARE_REPORT),
    Route("GET", "/v1/devices/{device_id}/firmware_version", firmware.list_firmware_versions, Scope.FIRMWARE_READ),
    Route("GET", "/healthz", operations.healthz, Scope.PUBLIC),
    Route("GET", "/readyz", operations.readyz, Scope.PUBLIC),
    Route("GET", "/openapi.json", documentation.openapi_document, Scope.PUBLIC),
    Route("GET", "/docs", documentation.docs, Scope.PUBLIC),
]
