"""What a delivery says: made of the change as the feed has it, each time anew, so nothing of it is stored."""

from __future__ import annotations

import datetime as dt
import secrets

import attrs
import orjson

from firmtrail_contract import (
    FirmwareChange,
    Webhook,
    WebhookMessage,
    WebhookMessageData,
    WebhookTestData,
    WebhookTestMessage,
    strict_converter,
)

_converter = strict_converter()


@attrs.frozen
class Message:
    """A body, and the id by which a receiver knows it again."""

    id: str
    #: in the feed; None: it is a test
    number: int | None
    content: WebhookMessage | WebhookTestMessage

    def body(self) -> bytes:
        return orjson.dumps(_converter.unstructure(self.content))


def message_of(webhook: Webhook, change: FirmwareChange) -> Message:
    """Say a change. Its id is the same at every attempt, and when it is replayed."""
    data = WebhookMessageData(
        project_id=webhook.project_id,
        device_id=change.device_id,
        component=change.component,
        previous=change.previous_version,
        new=change.version,
        change=change,
    )
    content = WebhookMessage(type=f"firmware_change.{change.kind}", timestamp=change.recorded_at, data=data)
    return Message(f"msg_{webhook.id.hex}_{change.number}", change.number, content)


def test_of(webhook: Webhook, now: dt.datetime) -> Message:
    """Say that this is a test."""
    data = WebhookTestData(project_id=webhook.project_id, webhook_id=webhook.id)
    content = WebhookTestMessage(type="webhook.test", timestamp=now, data=data)
    return Message(f"msg_{webhook.id.hex}_test_{secrets.token_hex(8)}", None, content)
