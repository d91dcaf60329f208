"""`firmtrail device-api-keys`."""

from __future__ import annotations

from firmtrail.cli.names import DEVICE, device_id
from firmtrail.cli.verbs import EXPIRES, KEY_LABEL, OVERLAP, Verb, positional

_KEY = positional("key_id", "the id of the API key", metavar="KEY_ID")

VERBS = [
    Verb(
        "list",
        "the API keys of a device, without secrets",
        lambda c, o: c.device_api_keys.list(device_id(c, o)),
        [DEVICE],
        ["id", "label", "secret_start", "last_used_at", "expires_at"],
        examples=["device-api-keys list pump-1"],
    ),
    Verb(
        "create",
        "make an API key; the secret is shown this once",
        lambda c, o: c.device_api_keys.create(device_id(c, o), label=o.label, expires_at=o.expires),
        [DEVICE, KEY_LABEL, EXPIRES],
        examples=[
            "device-api-keys create pump-1 -q > pump-1.key",
            "device-api-keys create pump-1 --expires 2027-01-01",
        ],
    ),
    Verb(
        "rotate",
        "make a new API key beside an old one; without --overlap until the new one is confirmed",
        lambda c, o: c.device_api_keys.rotate(
            device_id(c, o), o.key_id, overlap_seconds=o.overlap, expires_at=o.expires
        ),
        [DEVICE, _KEY, OVERLAP, EXPIRES],
        examples=["device-api-keys rotate pump-1 018f6a52-0000-7000-8000-000000000001 --overlap 7d"],
    ),
    Verb(
        "delete",
        "delete an API key: it is refused from now on",
        lambda c, o: c.device_api_keys.delete(device_id(c, o), o.key_id),
        [DEVICE, _KEY],
        destroys="Delete the API key {key_id} of {device}?",
        examples=["device-api-keys delete pump-1 018f6a52-0000-7000-8000-000000000001"],
    ),
]
