"""`firmtrail webhooks`."""

from __future__ import annotations

from typing import Any

from firmtrail.cli.names import IN_PROJECT, project_id
from firmtrail.cli.verbs import LIMIT, Verb, option, positional
from firmtrail_contract import IssuedWebhook

_WEBHOOK = positional("webhook_id", "its id", metavar="ID")
_FILTERS = [
    option("label", "what it is for, in your words"),
    option("kind", "of these kinds: opened,device_removed; all, if left out", metavar="KINDS"),
    option("component", "of this component, and what is about a device as a whole"),
    option("labels", "of devices with these labels today: site=berlin,rack"),
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
        [IN_PROJECT, LIMIT],
        ["id", "url", "label", "delivered_number", "failing_since", "pause_reason"],
    ),
    Verb(
        "get",
        "one webhook, and why it is paused, if it is",
        lambda c, o: c.webhooks.get(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK, IN_PROJECT],
        remark=_notice,
    ),
    Verb(
        "create",
        "have the changes of a project sent to a URL; the secret is shown this once",
        lambda c, o: c.webhooks.create(
            o.url,
            label=o.label or "",
            kinds=_kinds(o.kind) or (),
            component=o.component,
            labels=o.labels,
            project_id=project_id(c, o),
        ),
        [positional("url", "where to: https and a public address", metavar="URL"), IN_PROJECT, *_FILTERS],
        remark=_secret_remark,
    ),
    Verb(
        "update",
        "change a webhook; what is left out stays, and an empty filter lets everything through",
        lambda c, o: c.webhooks.update(
            o.webhook_id,
            url=o.url,
            label=o.label,
            kinds=_kinds(o.kind),
            component=o.component,
            labels=o.labels,
            project_id=project_id(c, o),
        ),
        [_WEBHOOK, IN_PROJECT, option("url", "where to"), *_FILTERS],
    ),
    Verb(
        "delete",
        "delete a webhook: nothing is sent any more",
        lambda c, o: c.webhooks.delete(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK, IN_PROJECT],
        destroys="Delete the webhook {webhook_id}?",
    ),
    Verb(
        "rotate-secret",
        "make a new secret; without --overlap the old one signs too for a day",
        lambda c, o: c.webhooks.rotate_secret(o.webhook_id, overlap_seconds=o.overlap, project_id=project_id(c, o)),
        [
            _WEBHOOK,
            IN_PROJECT,
            option("overlap", "for how many seconds the old secret signs too", type=int, metavar="SECONDS"),
        ],
        remark=_secret_remark,
    ),
    Verb(
        "test",
        "send a test to the receiver, and show what it answered",
        lambda c, o: c.webhooks.test(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK, IN_PROJECT],
    ),
    Verb(
        "deliveries",
        "the last attempts to deliver, newest first",
        lambda c, o: c.webhooks.deliveries(o.webhook_id, project_id=project_id(c, o), limit=o.limit),
        [_WEBHOOK, IN_PROJECT, LIMIT],
        ["attempted_at", "number", "attempt", "status", "status_code", "error", "duration_ms", "message_id"],
    ),
    Verb(
        "replay",
        "deliver the changes after a number of the feed; a pause ends",
        lambda c, o: c.webhooks.replay(o.webhook_id, after=o.after, project_id=project_id(c, o)),
        [_WEBHOOK, IN_PROJECT, option("after", "the last number not to deliver", type=int, required=True, metavar="N")],
    ),
    Verb(
        "resume",
        "let a paused webhook go on where it stopped",
        lambda c, o: c.webhooks.resume(o.webhook_id, project_id=project_id(c, o)),
        [_WEBHOOK, IN_PROJECT],
    ),
]
