"""Example values, made from schemas: every one is valid, and the same name always gets the same value."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

from tools.openapi.schemas import Schema

#: what a name says and its schema does not; one with a model in front goes before one without
_BY_NAME: dict[str, Any] = {
    "access_token": "TOKEN",
    "action": "device.changed",
    "actor_kind": "user",
    "actor_name": "Ada",
    "address": "192.0.2.7",
    "AuthorizationServer.grant_types_supported": ["client_credentials", "password"],
    "AuthorizationServer.issuer": "https://firmtrail.example.com",
    "AuthorizationServer.jwks_uri": "https://firmtrail.example.com/.well-known/jwks.json",
    "AuthorizationServer.response_types_supported": [],
    "AuthorizationServer.scopes_supported": ["firmware:read", "firmware:report"],
    "AuthorizationServer.token_endpoint": "https://firmtrail.example.com/v1/oauth/token",
    "AuthorizationServer.token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    "boot_sequence": 41,
    "boot_time_ms": 93_000,
    "clock_state": "synced",
    "component": "main",
    "ComponentReading.error": None,
    "current_password": "PASSWORD",
    "details": {"name": "Gateway 7"},
    "DesiredVersion.versions": ["1.5.0"],
    "Device.name": "Test Device",
    "DeviceDesiredVersion.versions": ["1.5.0"],
    "email": "ada@example.com",
    "ended_at": None,
    "HistoryGap.ended_at": "2026-05-03T08:00:00.000000Z",
    "expires_at": "2026-11-03T12:00:00.000000Z",
    "expires_in": 900,
    "first_reported_at": "2026-04-18T06:00:00.000000Z",
    "grant_type": "client_credentials",
    "hardware_fingerprint": "SN-0042",
    "invitation": None,
    "JoinedProject.name": "Test Project",
    "label": "continuous integration",
    "labels": {"site": "berlin"},
    **{f"{model}.labels": "site=berlin" for model in ("IssuedWebhook", "NewWebhook", "Webhook", "WebhookChange")},
    "last_reported_at": "2026-05-03T11:00:00.000000Z",
    "last_used_at": "2026-05-03T11:00:00.000000Z",
    "max_uses": 500,
    "Member.name": "Ada",
    "name": "Gateway 7",
    "NewDesiredVersion.versions": ["1.5.0"],
    "new_password": "NEW PASSWORD",
    "NewProject.name": "Test Project",
    "next_page_token": None,
    "next_report_in_seconds": None,
    "page_token": "PAGE_TOKEN",
    "password": "PASSWORD",
    "Project.name": "Test Project",
    "ProjectChange.name": "Test Project",
    "PublicKey.alg": "EdDSA",
    "PublicKey.crv": "Ed25519",
    "PublicKey.kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "PublicKey.kty": "OKP",
    "PublicKey.use": "sig",
    "PublicKey.x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "problem": None,
    "RecordReceipt.errors": [],
    "replaces": None,
    "report_count": 361,
    "resync": False,
    "request_id": "0f4c9a1de27b4d2c8a3be1f05d6c7a92",
    "retired_at": None,
    "two_machines_since": None,
    "two_machines": False,
    "FleetStatus.two_machines": 1,
    "role": "admin",
    "scope": "firmware:read",
    "secret": "SECRET",
    "secret_start": "ftp_4kQz",
    "SignUp.name": "Ada",
    "Status.status": "ok",
    "superseded_at": None,
    "target_name": "Gateway 6",
    "token_type": "Bearer",
    "url": "https://alerts.example.com/firmware",
    "use_count": 17,
    "User.name": "Ada",
    "UserChange.name": "Ada Lovelace",
    "username": "ada@example.com",
    "version": "1.5.0",
}
_MOMENT = "2026-05-03T12:00:00.000000Z"


def example(schema: Schema, components: dict[str, Schema], name: str = "", owner: str = "") -> Any:
    """Make a value of `schema`; `name` is the field it is for, `owner` the model which has that field."""
    for key in (f"{owner}.{name}", name):
        if key in _BY_NAME:
            return _BY_NAME[key]
    if "$ref" in schema:
        model = schema["$ref"].rpartition("/")[2]
        return example(components[model], components, name, model)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], components, name, owner)
    kind: str = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]  # of a type and null the type
    if kind == "object":
        return {key: example(field, components, key, owner) for key, field in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], components, name, owner)]
    return _plain(kind, schema, name, owner)


def _plain(kind: str, schema: Schema, name: str, owner: str) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "uuid":
        return _id(name if name != "id" else f"{_snake(owner)}_id")
    if "default" in schema:
        return schema["default"]
    if schema.get("format") == "date-time":
        return _MOMENT
    return {"string": "...", "integer": schema.get("minimum", 1), "number": 1.5, "boolean": True}[kind]


def _id(name: str) -> str:
    return str(uuid.UUID(bytes=hashlib.blake2b(name.encode(), digest_size=16).digest(), version=4))


def _snake(model: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model).lower()
