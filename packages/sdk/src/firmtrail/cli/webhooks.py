"""`firmtrail webhooks`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmtrail.cli.moments import seconds
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import LIMIT, Verb, label_filter, option, positional
from firmtrail_contract import IssuedWebhook

_WEBHOOK = positional("webhook_id", "its id", metavar="ID")


def _labels(text: str) -> Mapping[str, str | None]:
    return label_filter(text) if text else {}


_FILTERS = [
    option("label", "what it is for, in your words"),
    option("kind", "of these kinds: opened,device_removed; all, if left out", metavar="KINDS"),
    option("component", "of this component, and what is about a device as a whole"),
    option("labels", "of devices with these labels today: site=berlin,rack", type=_labels),
]


def _kinds(text: str | None) -> list[str] | None:
    return None if text is None else [kind for kind in text.split(",") if kind]


def _secret_remark(issued: IssuedWebhook) -> str:
    return f"The secret is shown this once: it verifies deliveries of {issued.id}."


def _notice(webhook: Any) -> str:
    return webhook.notice or ""


VERBS = [
    Verb(
        "list",
        "the webhooks of a project, how far each has come, and which are paused",
        lambda c, o: c.webhooks.list(project_id(c, o), limit=o.limit),
        [LIMIT],
        ["id", "url", "label", "delivered_number", "failing_since", "pause_reason"],
        examples=["webhooks list --project Pumps"],
    ),
    Verb(
        "get",
        "one webhook, and why it is paused, if it is",
        lambda c, o: c.webhooks.get(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK],
        remark=_notice,
        examples=["webhooks get 018f6a52-0000-7000-8000-000000000001"],
    ),
    Verb(
        "create",
        "have the changes of a project sent to a URL; the secret is shown this once",
        lambda c, o: c.webhooks.create(
            o.to,
            label=o.label or "",
            kinds=_kinds(o.kind) or (),
            component=o.component,
            labels=o.labels,
            project_id=project_id(c, o),
        ),
        [positional("to", "where to: https and a public address", metavar="URL"), *_FILTERS],
        remark=_secret_remark,
        examples=[
            "webhooks create https://alerts.example.com/firmware --label alerts",
            "webhooks create https://alerts.example.com/firmware --kind opened --labels site=berlin",
        ],
    ),
    Verb(
        "update",
        "change a webhook; what is left out stays, and an empty filter lets everything through",
        lambda c, o: c.webhooks.update(
            o.webhook_id,
            url=o.to,
            label=o.label,
            kinds=_kinds(o.kind),
            component=o.component,
            labels=o.labels,
            project_id=project_id(c, o),
        ),
        [_WEBHOOK, option("to", "where to", metavar="URL"), *_FILTERS],
        examples=["webhooks update 018f6a52-0000-7000-8000-000000000001 --to https://alerts.example.com/new"],
    ),
    Verb(
        "delete",
        "delete a webhook: nothing is sent any more",
        lambda c, o: c.webhooks.delete(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK],
        destroys="Delete the webhook {webhook_id}?",
        examples=["webhooks delete 018f6a52-0000-7000-8000-000000000001"],
    ),
    Verb(
        "rotate-secret",
        "make a new secret; without --overlap the old one signs too for a day",
        lambda c, o: c.webhooks.rotate_secret(o.webhook_id, overlap_seconds=o.overlap, project_id=project_id(c, o)),
        [_WEBHOOK, option("overlap", "for how long the old secret signs too: 2h or 7d", type=seconds, metavar="TIME")],
        remark=_secret_remark,
        examples=["webhooks rotate-secret 018f6a52-0000-7000-8000-000000000001 --overlap 2h"],
    ),
    Verb(
        "test",
        "send a test to the receiver, and show what it answered",
        lambda c, o: c.webhooks.test(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK],
        examples=["webhooks test 018f6a52-0000-7000-8000-000000000001"],
    ),
    Verb(
        "deliveries",
        "the last attempts to deliver, newest first",
        lambda c, o: c.webhooks.deliveries(o.webhook_id, project_id=project_id(c, o), limit=o.limit),
        [_WEBHOOK, LIMIT],
        ["attempted_at", "number", "attempt", "status", "status_code", "error", "duration_ms", "message_id"],
        examples=["webhooks deliveries 018f6a52-0000-7000-8000-000000000001 --limit 20"],
    ),
    Verb(
        "replay",
        "deliver the changes after a number of the feed; a pause ends",
        lambda c, o: c.webhooks.replay(o.webhook_id, after=o.after, project_id=project_id(c, o)),
        [_WEBHOOK, option("after", "the last number not to deliver", type=int, required=True, metavar="N")],
        examples=["webhooks replay 018f6a52-0000-7000-8000-000000000001 --after 1024"],
    ),
    Verb(
        "pause",
        "send nothing until it is resumed; changes wait as long as the feed keeps them",
        lambda c, o: c.webhooks.pause(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK],
        examples=["webhooks pause 018f6a52-0000-7000-8000-000000000001"],
    ),
    Verb(
        "resume",
        "let a paused webhook go on where it stopped",
        lambda c, o: c.webhooks.resume(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK],
        examples=["webhooks resume 018f6a52-0000-7000-8000-000000000001"],
    ),
]
