"""Errors in the words of a shell: options and variables, where the SDK names arguments and JSON Pointers."""

from __future__ import annotations

import attrs

from firmtrail.cli.verbs import Verb
from firmtrail.errors import ApiError, FirmtrailError, OAuthError

#: options that are called otherwise than the field that they fill
_OPTIONS = {
    "expires_at": ["expires"],
    "overlap_seconds": ["overlap"],
    "occurred_from": ["since"],
    "occurred_before": ["before"],
    "silent_since_before": ["before"],
    "actor_id": ["actor"],
    "target_id": ["target"],
    "hardware_fingerprint": ["fingerprint"],
    "labels": ["labels", "label", "device-label"],
    "device_id": ["device"],
    "api_key_id": ["key_id"],
    "enrollment_key_id": ["key_id"],
    "desired_version_id": ["rule_id"],
    "user_id": ["member"],
}


def in_shell(error: FirmtrailError, verb: Verb) -> str:
    """Write an error for who typed the command."""
    if error.in_shell:
        return error.in_shell
    if not isinstance(error, ApiError) or isinstance(error, OAuthError) or not error.errors:
        return str(error)
    named = [attrs.evolve(one, pointer=_typed(one.pointer, verb)) for one in error.errors]
    facts = {name: getattr(error, name) for name in ("status", "title", "detail", "code", "request_id", "retry_after")}
    return str(type(error)(**facts, errors=named))


def _typed(pointer: str, verb: Verb) -> str:
    """Name what was typed for a field: an option, or a positional argument as the help writes it."""
    field = pointer.lstrip("/").partition("/")[0]
    arguments = {argument.name.lstrip("-").replace("-", "_"): argument for argument in verb.arguments}
    for name in [*_OPTIONS.get(field, []), field]:
        if argument := arguments.get(name.replace("-", "_")):
            return argument.name if argument.name.startswith("-") else argument.how.get("metavar", name.upper())
    return "--project" if field == "project_id" else field.replace("_", " ")
