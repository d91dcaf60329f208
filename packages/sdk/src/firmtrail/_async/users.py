"""Users: signing up, and what one may do about oneself."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._async.paging import AsyncPager
from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call, decode
from firmtrail._checks import body, filters, path
from firmtrail_contract import (
    AccessToken,
    AuditAction,
    AuditEvent,
    AuditQuery,
    PasswordChange,
    PasswordReset,
    PasswordResetReceipt,
    PasswordResetRequest,
    Session,
    SignUp,
    SignUpConfirmation,
    SignUpReceipt,
    User,
    UserChange,
)

_ME = "/v1/users/me"
_SESSIONS = f"{_ME}/sessions"
_SESSION = f"{_SESSIONS}/{{session_id}}"


class AsyncUsers(AsyncResource):
    """What is about `me` and sessions is for a client of a user: with a `Login`, an access token or a profile."""

    async def sign_up(self, email: str, name: str, password: str, *, invitation: str | None = None) -> SignUpReceipt:
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
        return decode(await self._transport.send(call), SignUpReceipt)

    async def confirm_sign_up(self, code: str, password: str) -> User:
        """Confirm your address with the code that was sent to it, and the password that you signed up with.

        Only servers that send e-mail ask for it: `sign_up(...).must_confirm`. No credential is needed.

        Args:
            code: from the e-mail.
            password: that of the sign-up.

        Raises:
            NotFoundError: there is no such code: it was used or has expired.
            PermissionDeniedError: that is not the password of the sign-up.
        """
        said = body(SignUpConfirmation, code=code, password=password)
        call = Call(method="POST", path="/v1/users/confirm", body=said, repeatable=False, needs_key=False)
        return decode(await self._transport.send(call), User)

    async def request_password_reset(self, email: str) -> PasswordResetReceipt:
        """Have a code for a new password sent to an address. The answer does not tell whether the address is known.

        No credential is needed.

        Args:
            email: the address.

        Raises:
            PermissionDeniedError: the server sends no e-mail; its operator can set a password.
        """
        said = body(PasswordResetRequest, email=email)
        call = Call(method="POST", path="/v1/password_resets", body=said, repeatable=True, needs_key=False)
        return decode(await self._transport.send(call), PasswordResetReceipt)

    async def reset_password(self, code: str, new_password: str) -> None:
        """Set a new password with the code that was sent to you; all your sessions end. No credential is needed.

        Args:
            code: from the e-mail.
            new_password: 8 to 72 bytes in UTF-8.

        Raises:
            NotFoundError: there is no such code: it was used or has expired.
        """
        said = body(PasswordReset, code=code, new_password=new_password)
        call = Call(method="POST", path="/v1/password_resets/complete", body=said, repeatable=False, needs_key=False)
        await self._transport.send(call)

    async def me(self) -> User:
        """Read who you are."""
        return decode(await self._transport.send(Call(method="GET", path=_ME, repeatable=True)), User)

    async def update_me(self, *, name: str | None = None) -> User:
        """Change what is said about you; what is None stays.

        Args:
            name: what people call you.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        call = Call(method="PATCH", path=_ME, body=body(UserChange, name=name), repeatable=True)
        return decode(await self._transport.send(call), User)

    async def change_password(self, current_password: str, new_password: str) -> AccessToken:
        """Change your password. Every access token and session of yours ends, and the token that comes back is new.

        A client of a profile that is logged in goes on with it, and so does the profile. Make another one instead of a
        client that has the old password or an access token.

        Args:
            current_password: the one of now.
            new_password: 8 to 72 bytes in UTF-8.

        Raises:
            PermissionDeniedError: the current password is another one.
        """
        said = body(PasswordChange, current_password=current_password, new_password=new_password)
        call = Call(method="PUT", path=f"{_ME}/password", body=said, repeatable=False)
        answer = await self._transport.send(call)
        await self._transport.keep(answer)
        return decode(answer, AccessToken)

    def sessions(
        self, *, limit: int | None = None, page_size: int | None = None, page_token: str | None = None
    ) -> AsyncPager[Session]:
        """List your sessions, which are the logins that last, oldest first.

        Args:
            limit: the most sessions to give in all.
            page_size: the most sessions to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return AsyncPager(self._transport, _SESSIONS, Session, limit=limit, page_size=page_size, page_token=page_token)

    async def end_session(self, session_id: uuid.UUID | str) -> None:
        """End one of your sessions: it has to log in again.

        Args:
            session_id: the session.

        Raises:
            NotFoundError: it has ended already, or is another user's.
        """
        await self._transport.send(Call(method="DELETE", path=path(_SESSION, session_id=session_id), repeatable=False))

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token; no other credential is needed. A token of no session is no error.

        Args:
            refresh_token: the one that the last refresh gave.

        Raises:
            FirmtrailError: see `firmtrail.errors`.
        """
        call = Call(
            method="POST",
            path="/v1/oauth/revoke",
            form={"token": refresh_token},
            repeatable=True,
            needs_key=False,
        )
        await self._transport.send(call)

    async def delete_me(self) -> None:
        """Delete your own user. `ConflictError` while a project would be left without an admin."""
        await self._transport.send(Call(method="DELETE", path=_ME, repeatable=True))

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
    ) -> AsyncPager[AuditEvent]:
        """List what was changed about your own user, newest first; filters add up.

        Args:
            action: of this kind alone.
            actor_id: by this user or API key.
            target_id: about this.
            occurred_from: at this moment or later, an aware datetime.
            occurred_before: before this moment, an aware datetime.
            limit: the most events to give in all.
            page_size: the most events to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return AsyncPager(
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
