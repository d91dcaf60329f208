"""Users: signing up, and what one may do about oneself."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._calls import Call, decode
from firmtrail._checks import body, filters
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import (
    AccessToken,
    AuditAction,
    AuditEvent,
    AuditQuery,
    PasswordChange,
    SignUp,
    SignUpReceipt,
    User,
    UserChange,
)

_ME = "/v1/users/me"


class Users(Resource):
    """All but `sign_up` is for a client that has a user's `Login` or access token."""

    def sign_up(self, email: str, name: str, password: str, *, invitation: str | None = None) -> SignUpReceipt:
        """Become a user; no credential is needed. The answer does not tell whether the address was known.

        Args:
            email: the address to log in with.
            name: what people call you.
            password: 8 to 72 bytes in UTF-8.
            invitation: its secret, to join a project at once; some servers take nobody without.

        Raises:
            InvalidRequestError: a value is not allowed.
            FirmtrailError: see `firmtrail.errors`.
        """
        said = body(SignUp, email=email, name=name, password=password, invitation=invitation)
        call = Call(method="POST", path="/v1/users", body=said, repeatable=True, needs_key=False)
        return decode(self._transport.send(call), SignUpReceipt)

    def me(self) -> User:
        """Read who you are."""
        return decode(self._transport.send(Call(method="GET", path=_ME, repeatable=True)), User)

    def update_me(self, *, name: str | None = None) -> User:
        """Change what is said about you; what is None stays."""
        call = Call(method="PATCH", path=_ME, body=body(UserChange, name=name), repeatable=True)
        return decode(self._transport.send(call), User)

    def change_password(self, current_password: str, new_password: str) -> AccessToken:
        """Change your password. Every access token of yours ends, and the one that comes back is new.

        This client goes on only if it was made with an access token of its own: make another one.

        Raises:
            PermissionDeniedError: the current password is another one.
        """
        said = body(PasswordChange, current_password=current_password, new_password=new_password)
        call = Call(method="PUT", path=f"{_ME}/password", body=said, repeatable=False)
        return decode(self._transport.send(call), AccessToken)

    def delete_me(self) -> None:
        """Delete your own user. `ConflictError` while a project would be left without an admin."""
        self._transport.send(Call(method="DELETE", path=_ME, repeatable=True))

    def audit_events(  # noqa: PLR0913  filters, and how much to list
        self,
        *,
        action: AuditAction | None = None,
        actor_id: uuid.UUID | str | None = None,
        target_id: uuid.UUID | str | None = None,
        occurred_from: dt.datetime | None = None,
        occurred_before: dt.datetime | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[AuditEvent]:
        """List what was changed about your own user, newest first; filters add up."""
        return Pager(
            self._transport,
            f"{_ME}/audit_events",
            AuditEvent,
            filters=filters(
                AuditQuery,
                action=action,
                actor_id=actor_id,
                target_id=target_id,
                occurred_from=occurred_from,
                occurred_before=occurred_before,
            ),
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )
