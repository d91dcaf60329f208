"""Webhooks: the changes of a project's feed, sent to a URL one by one, signed as Standard Webhooks says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.api_keys import DEFAULT_OVERLAP_SECONDS, MAX_OVERLAP_SECONDS, key_label_limits
from firmtrail_contract.firmware import component_limits
from firmtrail_contract.firmware_changes import ChangeKind, FirmwareChange
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.limits import Count, Range, Text

#: in a project
MAX_WEBHOOKS = 10

url_limits = Text(
    10,
    2_000,
    "^https?://[\\u0021-\\u007e]+$",
    "be a URL that begins with https:// (or http://), in ASCII, without blanks",
)
_kinds_limits = Count(0, len(ChangeKind))


class PauseReason(StrEnum):
    """Why nothing is sent any more until somebody resumes the webhook."""

    #: it took no delivery for three days
    FAILING = "failing"
    #: it answered 410 Gone, which means: send nothing more
    GONE = "gone"
    #: the changes after its last delivery are not kept any more
    CHANGES_NOT_KEPT = "changes_not_kept"
    #: somebody paused it
    BY_HAND = "by_hand"


class DeliveryStatus(StrEnum):
    """What came of an attempt."""

    #: the receiver answered with a status from 200 to 299
    DELIVERED = "delivered"
    #: it did not; the attempt is repeated
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class NewWebhook:
    """A webhook to make. It gets the changes from now on; filters add up."""

    #: where changes are sent to
    url: str = attrs.field(validator=url_limits)
    #: what it is for, in your words
    label: str = attrs.field(default="", validator=key_label_limits)
    #: the kinds of changes; none: all
    kinds: list[ChangeKind] = attrs.field(factory=list["ChangeKind"], validator=_kinds_limits)
    #: of this component, and those that are about a device as a whole
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: of devices with these labels at the moment of sending: `site=berlin,rack`; and of every device that was removed
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))


@attrs.frozen(kw_only=True)
class WebhookChange:
    """What shall be different about a webhook; what is left out, or null, stays."""

    url: str | None = attrs.field(default=None, validator=optional(url_limits))
    label: str | None = attrs.field(default=None, validator=optional(key_label_limits))
    #: an empty list: all kinds
    kinds: list[ChangeKind] | None = attrs.field(default=None, validator=optional(_kinds_limits))
    #: an empty text: all components
    component: str | None = attrs.field(default=None, validator=optional(Text(0, 64, "^([a-z0-9][a-z0-9._-]*)?$")))
    #: an empty text: all devices
    labels: str | None = attrs.field(
        default=None, validator=optional(Text(0, 1024, f"^({label_filter_limits.pattern[1:-1]})?$"))
    )


@attrs.frozen(kw_only=True)
class Webhook:
    """A webhook, and how far it has come."""

    id: uuid.UUID
    project_id: uuid.UUID
    url: str
    label: str
    #: none: all kinds
    kinds: list[ChangeKind]
    #: null: all components
    component: str | None
    #: null: all devices
    labels: str | None
    #: the user or the API key that made it
    created_by: uuid.UUID
    created_at: dt.datetime
    #: changes of the feed up to this number are delivered, or left out by the filters
    delivered_number: int
    #: since when no delivery was taken; null: the last one was
    failing_since: dt.datetime | None
    #: attempts of the delivery that is due, so far
    failed_attempts: int
    #: when the next attempt is made, where one failed
    next_attempt_at: dt.datetime
    #: null: it is not paused
    paused_at: dt.datetime | None
    pause_reason: PauseReason | None
    #: what the pause means, and what to do; null: it is not paused
    notice: str | None = None
    #: until when the secret before the last rotation signs too; null: there is none
    old_secret_until: dt.datetime | None


@attrs.frozen(kw_only=True)
class IssuedWebhook(Webhook):
    """A webhook with the secret that is shown this once."""

    #: verifies deliveries: `whsec_` and 32 bytes in Base64
    secret: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class SecretRotation:
    """How to replace the secret of a webhook."""

    #: for how long deliveries are signed with the old secret too; 0: it ends at once
    overlap_seconds: int = attrs.field(default=DEFAULT_OVERLAP_SECONDS, validator=Range(0, MAX_OVERLAP_SECONDS))


@attrs.frozen(kw_only=True)
class WebhookReplay:
    """From where on changes are delivered."""

    #: the number of the last change that is not delivered again
    after: int = attrs.field(validator=Range(0, 2**53 - 1))


@attrs.frozen(kw_only=True)
class WebhookDelivery:
    """One attempt to deliver one change."""

    id: uuid.UUID
    webhook_id: uuid.UUID
    #: the header `webhook-id`, the same at every attempt
    message_id: str
    #: the change's number in the feed; null: it was a test
    number: int | None
    #: 1, 2, 3, ... for each change
    attempt: int
    attempted_at: dt.datetime
    duration_ms: int
    status: DeliveryStatus
    #: the receiver's answer; null: there was none
    status_code: int | None
    #: what went wrong; null: nothing
    error: str | None


@attrs.frozen(kw_only=True)
class WebhookMessageData:
    """What a change says, and the two versions first, for those who only pass it on."""

    project_id: uuid.UUID
    device_id: uuid.UUID
    component: str | None
    #: what ran before; null: nothing that is known, or it is about a device as a whole
    previous: str | None
    #: what the component runs from `change.first_reported_at` on; null: it is about a device as a whole
    new: str | None
    #: the change as the feed has it
    change: FirmwareChange


@attrs.frozen(kw_only=True)
class WebhookMessage:
    """The body of a delivery."""

    #: `firmware_change.opened` and its like
    type: str
    #: the server's moment of the change
    timestamp: dt.datetime
    data: WebhookMessageData


@attrs.frozen(kw_only=True)
class WebhookTestData:
    """What a test says: whose it is."""

    project_id: uuid.UUID
    webhook_id: uuid.UUID


@attrs.frozen(kw_only=True)
class WebhookTestMessage:
    """The body of a test: its type is `webhook.test`."""

    type: str
    timestamp: dt.datetime
    data: WebhookTestData
