"""`firmtrail api-keys`: those of a project."""

from __future__ import annotations

from firmtrail.cli.members import ROLE
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import EXPIRES, KEY_LABEL, LIMIT, OVERLAP, Column, Verb, flag, positional

_KEY = positional("key_id", "the id of the API key", metavar="KEY_ID")

VERBS = [
    Verb(
        "list",
        "the API keys, without secrets",
        lambda c, o: c.api_keys.list(project_id(c, o), limit=o.limit),
        [LIMIT],
        [
            "id",
            "role",
            "label",
            "secret_start",
            "last_used_at",
            "expires_at",
            Column("reports_for_devices", is_optional=True),
        ],
        examples=["api-keys list --project Pumps"],
    ),
    Verb(
        "create",
        "make an API key; the secret is shown this once",
        lambda c, o: c.api_keys.create(
            project_id(c, o),
            o.role,
            label=o.label,
            expires_at=o.expires,
            reports_for_devices=o.reports_for_devices,
        ),
        [ROLE, KEY_LABEL, EXPIRES, flag("reports-for-devices", "for a gateway: it may report for every device too")],
        examples=[
            "api-keys create viewer --label dashboard",
            "api-keys create editor --expires 90d -q > key",
            "api-keys create viewer --label gateway --reports-for-devices",
        ],
    ),
    Verb(
        "rotate",
        "make a new API key in the place of an old one; without --overlap the old one works for a day",
        lambda c, o: c.api_keys.rotate(project_id(c, o), o.key_id, overlap_seconds=o.overlap, expires_at=o.expires),
        [_KEY, OVERLAP, EXPIRES],
        examples=["api-keys rotate 018f6a52-0000-7000-8000-000000000001 --overlap 2h"],
    ),
    Verb(
        "delete",
        "delete an API key: it is refused from now on",
        lambda c, o: c.api_keys.delete(project_id(c, o), o.key_id),
        [_KEY],
        destroys="Delete the API key {key_id}?",
        examples=["api-keys delete 018f6a52-0000-7000-8000-000000000001"],
    ),
]
