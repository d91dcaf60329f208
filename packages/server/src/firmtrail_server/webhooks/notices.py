"""Pausing a webhook, and whom that is told: the API, the audit trail, and the admins by e-mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import attrs

from firmtrail_contract import ActorKind, AuditAction, PauseReason, Webhook
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.queries import audit_events, members, projects, webhooks
from firmtrail_server.queries.audit_events import Actor, Change
from firmtrail_server.services.mail import Mailer

_SERVER = Actor(kind=ActorKind.OPERATOR, id=None, address="", request_id="")
_NOTICES = {
    PauseReason.FAILING: "No delivery was accepted for three days, so nothing is sent any more. Repair the receiver, "
    "send a test, then resume the webhook: it goes on where it stopped.",
    PauseReason.GONE: "The receiver answered 410 Gone, which asks for no more deliveries. Delete the webhook, or "
    "resume it if that was a mistake: it goes on where it stopped.",
    PauseReason.CHANGES_NOT_KEPT: "The changes after the last delivery are not kept any more. Read the last number of "
    "the feed, export the history again, then replay the webhook after that number.",
    PauseReason.BY_HAND: "It was paused by hand; the audit trail says by whom. Resume the webhook: it goes on where it "
    "stopped, as long as the changes after its last delivery are kept.",
}


def with_notice(webhook: Webhook) -> Webhook:
    """Say what a pause means, and what to do."""
    return attrs.evolve(webhook, notice=_NOTICES[webhook.pause_reason]) if webhook.pause_reason else webhook


@attrs.frozen(kw_only=True)
class Notices:
    """Pauses webhooks."""

    database: Database
    mailer: Mailer
    #: the URL of this installation
    issuer: str
    #: then the e-mail holds a link; without pages, commands
    has_pages: bool
    clock: Callable[[], dt.datetime]

    async def pause(self, webhook: Webhook, reason: PauseReason) -> None:
        """Pause a webhook, and tell it once. An e-mail that cannot be sent is not repeated: the notice stays."""
        if not await self.database.run(Transaction.INGEST, _pause, webhook, reason, self.clock()):
            return
        name, admins = await self.database.run(Transaction.READ, _told_to, webhook)
        for address in admins:
            await self.mailer.send(address, f"A webhook of {name} is paused", self._text(webhook, reason, name))

    def _text(self, webhook: Webhook, reason: PauseReason, name: str) -> str:
        label = f" ({webhook.label})" if webhook.label else ""
        how = (
            f"    {self.issuer}/projects/{webhook.project_id}/webhooks/{webhook.id}\n"
            if self.has_pages
            else f"    firmtrail webhooks deliveries {webhook.id} --project {webhook.project_id}\n"
            f"    firmtrail webhooks resume {webhook.id} --project {webhook.project_id}\n\n"
            f"The server: {self.issuer}\n"
        )
        return f"The webhook {webhook.id}{label} of the project {name} is paused.\n\n{_NOTICES[reason]}\n\n{how}"


async def _pause(conn: Connection, webhook: Webhook, reason: PauseReason, now: dt.datetime) -> bool:
    if not await webhooks.pause(conn, webhook.project_id, webhook.id, reason, now):
        return False
    details = {"reason": reason.value, "delivered_number": str(webhook.delivered_number)}
    change = Change(AuditAction.WEBHOOK_PAUSED, webhook.id, webhook.label, details)
    await audit_events.insert(conn, webhook.project_id, _SERVER, now, [change])
    return True


async def _told_to(conn: Connection, webhook: Webhook) -> tuple[str, list[str]]:
    project = await projects.get(conn, webhook.project_id)
    return project.name, await members.list_admin_emails(conn, webhook.project_id)
