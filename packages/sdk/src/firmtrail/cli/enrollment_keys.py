"""`firmtrail enrollment-keys`."""

from __future__ import annotations

from firmtrail.cli.moments import later
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import EXPIRY, KEY_LABEL, LIMIT, Verb, label_pairs, option, positional
from firmtrail_contract import OnKnownDevice

VERBS = [
    Verb(
        "list",
        "the enrollment keys, without secrets",
        lambda c, o: c.enrollment_keys.list(project_id(c, o), limit=o.limit),
        [LIMIT],
        ["id", "label", "use_count", "max_uses", "on_known", "labels", "expires_at"],
        examples=["enrollment-keys list"],
    ),
    Verb(
        "create",
        "make an enrollment key; the secret is shown this once",
        lambda c, o: c.enrollment_keys.create(
            project_id(c, o),
            label=o.label,
            expires_at=o.expires,
            max_uses=o.max_uses,
            on_known=o.on_known,
            min_silence_seconds=o.min_silence,
            labels=label_pairs(o.device_label),
        ),
        [
            option("expires", EXPIRY, type=later, required=True, metavar="WHEN"),
            option("max-uses", "how many times a device may enroll with it", type=int, required=True, metavar="N"),
            KEY_LABEL,
            option("on-known", "of a device that is known already", choices=[*OnKnownDevice], default="refuse"),
            option(
                "min-silence",
                "with replace_keys: refuse a device that has reported within so many seconds",
                type=int,
                metavar="SECONDS",
            ),
            option(
                "device-label",
                "of all its devices; may be given again",
                action="append",
                default=[],
                metavar="KEY=VALUE",
            ),
        ],
        examples=[
            "enrollment-keys create --expires 30d --max-uses 500",
            "enrollment-keys create --expires 2027-01-01 --max-uses 50 --device-label lot=7",
        ],
    ),
    Verb(
        "delete",
        "delete an enrollment key; its devices stay",
        lambda c, o: c.enrollment_keys.delete(project_id(c, o), o.key_id),
        [positional("key_id", "its id", metavar="KEY_ID")],
        destroys="Delete the enrollment key {key_id}?",
        examples=["enrollment-keys delete 018f6a52-0000-7000-8000-000000000001"],
    ),
]
