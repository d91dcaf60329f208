"""Webhooks: URLs that the changes of a project are sent to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from firmtrail._calls import Call, decode
from firmtrail._checks import LabelFilter, body, label_filter, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import (
    ChangeKind,
    IssuedWebhook,
    NewWebhook,
    SecretRotation,
    Webhook,
    WebhookChange,
    WebhookDelivery,
    WebhookReplay,
)

_WEBHOOKS = "/v1/projects/{project_id}/webhooks"
_WEBHOOK = "/v1/projects/{project_id}/webhooks/{webhook_id}"


class Webhooks(Resource):
    """Each gets the changes of the feed in their order, one a request, signed as Standard Webhooks says."""

    def create(  # noqa: PLR0913  the properties of a webhook
        self,
        url: str,
        *,
        label: str = "",
        kinds: Sequence[ChangeKind | str] = (),
        component: str | None = None,
        labels: LabelFilter | None = None,
        project_id: uuid.UUID | str | None = None,
    ) -> IssuedWebhook:
        """Make a webhook. It gets the changes from now on; its secret is shown this once.

        Args:
            url: where changes are sent to: https and a public address, unless the server's operator allows others.
            label: what it is for, in your words.
            kinds: the kinds of changes; all, if left out. Filters add up.
            component: of this component, and those that are about a device as a whole.
            labels: of devices with these labels today, `{"site": "berlin", "rack": None}`; and of every removed device.
            project_id: the project; None: that of the API key.

        Raises:
            ConflictError: the project has as many webhooks as there may be.
            InvalidRequestError: a value is not allowed.
        """
        said = body(
            NewWebhook,
            url=url,
            label=label,
            kinds=[str(kind) for kind in kinds],
            component=component,
            labels=label_filter(labels) or None,
        )
        place = path(_WEBHOOKS, project_id=project_id)
        answer = self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedWebhook)

    def list(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[Webhook]:
        """List the webhooks of a project, oldest first.

        Args:
            project_id: the project; None: that of the API key.
            limit: the most webhooks to give in all.
            page_size: the most webhooks to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return Pager(
            self._transport,
            path(_WEBHOOKS, project_id=project_id),
            Webhook,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def get(self, webhook_id: uuid.UUID | str, *, project_id: uuid.UUID | str | None = None) -> Webhook:
        """Read a webhook: how far it has come (`delivered_number`), and why it is paused (`notice`), if it is.

        Args:
            webhook_id: the webhook.
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such webhook, or you may not see it.
        """
        place = path(_WEBHOOK, project_id=project_id, webhook_id=webhook_id)
        return decode(self._transport.send(Call(method="GET", path=place, repeatable=True)), Webhook)

    def update(  # noqa: PLR0913  the properties of a webhook
        self,
        webhook_id: uuid.UUID | str,
        *,
        url: str | None = None,
        label: str | None = None,
        kinds: Sequence[ChangeKind | str] | None = None,
        component: str | None = None,
        labels: LabelFilter | None = None,
        project_id: uuid.UUID | str | None = None,
    ) -> Webhook:
        """Change a webhook; what is left out stays, and an empty filter lets everything through.

        Args:
            webhook_id: the webhook.
            url: where changes are sent to.
            label: what it is for, in your words.
            kinds: the kinds of changes.
            component: of this component, and those that are about a device as a whole.
            labels: of devices with these labels today.
            project_id: the project; None: that of the API key.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        said = body(
            WebhookChange,
            url=url,
            label=label,
            kinds=None if kinds is None else [str(kind) for kind in kinds],
            component=component,
            labels=label_filter(labels),
        )
        place = path(_WEBHOOK, project_id=project_id, webhook_id=webhook_id)
        return decode(self._transport.send(Call(method="PATCH", path=place, body=said, repeatable=True)), Webhook)

    def delete(self, webhook_id: uuid.UUID | str, *, project_id: uuid.UUID | str | None = None) -> None:
        """Delete a webhook: nothing is sent any more.

        Args:
            webhook_id: the webhook.
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such webhook, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        place = path(_WEBHOOK, project_id=project_id, webhook_id=webhook_id)
        self._transport.send(Call(method="DELETE", path=place, repeatable=True))

    def rotate_secret(
        self,
        webhook_id: uuid.UUID | str,
        *,
        overlap_seconds: int | None = None,
        project_id: uuid.UUID | str | None = None,
    ) -> IssuedWebhook:
        """Make a new secret, which is shown this once. The one before the old one ends at once.

        Args:
            webhook_id: the webhook.
            overlap_seconds: for how long deliveries are signed with the old one too; a day, if left out.
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such webhook, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
            InvalidRequestError: a value is not allowed.
        """
        said = body(SecretRotation, overlap_seconds=overlap_seconds)
        place = path(_WEBHOOK + "/rotate_secret", project_id=project_id, webhook_id=webhook_id)
        answer = self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedWebhook)

    def test(self, webhook_id: uuid.UUID | str, *, project_id: uuid.UUID | str | None = None) -> WebhookDelivery:
        """Send a test at once, and say what the receiver answered; a failure is a result, not an error.

        Args:
            webhook_id: the webhook.
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such webhook, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        place = path(_WEBHOOK + "/test", project_id=project_id, webhook_id=webhook_id)
        return decode(self._transport.send(Call(method="POST", path=place, repeatable=True)), WebhookDelivery)

    def deliveries(
        self,
        webhook_id: uuid.UUID | str,
        *,
        project_id: uuid.UUID | str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[WebhookDelivery]:
        """List the last attempts to deliver, newest first; about 200 are kept.

        Args:
            webhook_id: the webhook.
            project_id: the project; None: that of the API key.
            limit: the most attempts to give in all.
            page_size: the most attempts to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return Pager(
            self._transport,
            path(_WEBHOOK + "/deliveries", project_id=project_id, webhook_id=webhook_id),
            WebhookDelivery,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def replay(self, webhook_id: uuid.UUID | str, *, after: int, project_id: uuid.UUID | str | None = None) -> Webhook:
        """Deliver the changes after a number of the feed; a pause ends.

        Args:
            webhook_id: the webhook.
            after: the number of the last change that is not delivered again.
            project_id: the project; None: that of the API key.

        Raises:
            GoneError: the changes after the number are not kept any more.
            InvalidRequestError: the feed has not come that far.
        """
        said = body(WebhookReplay, after=after)
        place = path(_WEBHOOK + "/replay", project_id=project_id, webhook_id=webhook_id)
        return decode(self._transport.send(Call(method="POST", path=place, body=said, repeatable=True)), Webhook)

    def pause(self, webhook_id: uuid.UUID | str, *, project_id: uuid.UUID | str | None = None) -> Webhook:
        """Send nothing to a webhook until it is resumed; changes wait for it as long as the feed keeps them.

        Args:
            webhook_id: the webhook; one that is paused stays as it is.
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such webhook, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        place = path(_WEBHOOK + "/pause", project_id=project_id, webhook_id=webhook_id)
        return decode(self._transport.send(Call(method="POST", path=place, repeatable=True)), Webhook)

    def resume(self, webhook_id: uuid.UUID | str, *, project_id: uuid.UUID | str | None = None) -> Webhook:
        """Let a paused webhook go on where it stopped.

        Args:
            webhook_id: the webhook.
            project_id: the project; None: that of the API key.

        Raises:
            GoneError: the changes after its last delivery are not kept any more: export again, and `replay`.
        """
        place = path(_WEBHOOK + "/resume", project_id=project_id, webhook_id=webhook_id)
        return decode(self._transport.send(Call(method="POST", path=place, repeatable=True)), Webhook)
