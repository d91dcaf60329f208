"""One attempt: a message signed, sent, and what came of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

from firmtrail_contract import DeliveryStatus, Webhook
from firmtrail_server.errors import TooManyWebhookTests
from firmtrail_server.queries.webhook_deliveries import Attempt
from firmtrail_server.queries.webhooks import WebhookSecrets
from firmtrail_server.webhooks.messages import Message, test_of
from firmtrail_server.webhooks.receivers import Receivers
from firmtrail_server.webhooks.signatures import signed_headers

_TESTS_AT_ONCE = 8


class WebhookSender:
    """Makes attempts, for deliveries and for tests."""

    def __init__(self, receivers: Receivers, clock: Callable[[], dt.datetime]) -> None:
        self._receivers = receivers
        self._clock = clock
        self._tests = asyncio.Semaphore(_TESTS_AT_ONCE)

    async def attempt(self, webhook: Webhook, secrets: WebhookSecrets, message: Message, number: int) -> Attempt:
        """Send a message for the first time, the second, ...; a failure is a result like another."""
        now, body = self._clock(), message.body()
        headers = signed_headers(message.id, int(now.timestamp()), body, secrets.living(now))
        answer = await self._receivers.send(webhook.url, body, headers)
        return Attempt(
            message_id=message.id,
            number=message.number,
            attempt=number,
            attempted_at=now,
            duration_ms=answer.duration_ms,
            status=DeliveryStatus.FAILED if answer.error else DeliveryStatus.DELIVERED,
            status_code=answer.status_code,
            error=answer.error,
            retry_after=answer.retry_after,
        )

    async def test(self, webhook: Webhook, secrets: WebhookSecrets) -> Attempt:
        """Send a test now.

        Raises:
            TooManyWebhookTests: others are being sent.
        """
        if self._tests.locked():
            raise TooManyWebhookTests
        async with self._tests:
            return await self.attempt(webhook, secrets, test_of(webhook, self._clock()), 1)
