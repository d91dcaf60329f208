"""Sessions: logins that last. A refresh token is used once; one that is used again ends its session.

docs/decisions/0018-refresh-tokens.md says why, and what becomes of a lost answer.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import uuid
from hashlib import blake2b

import attrs

from firmtrail_contract import ActorKind, AuditAction
from firmtrail_contract.blanks import trimmed
from firmtrail_contract.limits import PRINTABLE
from firmtrail_server.auth.permissions import ALL_OF_A_USER, Scope, User
from firmtrail_server.auth.refresh_tokens import RefreshDigests, RefreshToken
from firmtrail_server.auth.signing_keys import SigningKeys
from firmtrail_server.db import Connection
from firmtrail_server.errors import LoginRefused, SessionEnded
from firmtrail_server.queries import audit_events, password_resets, sessions, users
from firmtrail_server.queries.audit_events import Actor, Change
from firmtrail_server.queries.sessions import NewSession, Rotation, StoredSession

#: how long a token that was replaced is answered with the same successor: as long as a client may try again
GRACE = dt.timedelta(seconds=60)
#: of a user; with one more, that which was not used for longest ends
MAX_SESSIONS = 100
_MAX_CLIENT_LENGTH = 200
_PRINTABLE = re.compile(PRINTABLE)


@attrs.frozen(kw_only=True)
class Visit:
    """The request that uses a session."""

    now: dt.datetime
    #: its User-Agent header, as it came
    client: str
    address: str
    request_id: str

    @property
    def shown_client(self) -> str:
        """What is kept of the header: one line of visible text, cut."""
        return trimmed("".join(_PRINTABLE.findall(self.client))[:_MAX_CLIENT_LENGTH])

    def actor(self, user_id: uuid.UUID) -> Actor:
        return Actor(kind=ActorKind.USER, id=user_id, address=self.address, request_id=self.request_id)


@attrs.frozen(kw_only=True)
class Opened:
    """A login: who may do what, and of a session the token that gets the next access token."""

    user: User
    refresh_token: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Sessions:
    """Begins sessions, keeps them up and ends them; each call in a transaction of its caller."""

    digests: RefreshDigests
    #: a session that is not used for so long ends
    idle: dt.timedelta
    #: and so does one that began so long ago
    longest: dt.timedelta

    async def use_keys(self, keys: SigningKeys) -> None:
        """Make digests by another set of keys, and know those of all of them."""
        self.digests.use(keys.digest_keys())

    async def open(self, conn: Connection, user: User, visit: Visit) -> Opened:
        """Begin a session of a user whose password was right a moment ago.

        Raises:
            LoginRefused: the password was changed since then, or the user deleted.
        """
        login = await users.find_login_of(conn, user.user_id)
        if login is None or login.token_epoch != user.token_epoch:
            raise LoginRefused
        await sessions.delete_spare(conn, user.user_id, MAX_SESSIONS - 1, visit.now)
        token = RefreshToken.new(uuid.uuid4())
        new = NewSession(
            id=token.session_id,
            user_id=user.user_id,
            scopes=_text_of(user.token_scopes),
            token_digest=self.digests.of(token),
            expires_at=visit.now + min(self.idle, self.longest),
            client=visit.shown_client,
            address=visit.address,
        )
        await sessions.insert(conn, new, visit.now)
        await _record(conn, visit, user.user_id, Change(AuditAction.SESSION_STARTED, new.id, new.client))
        return Opened(user=attrs.evolve(user, session_id=new.id), refresh_token=token.text)

    async def refresh(self, conn: Connection, text: str, visit: Visit) -> Opened | None:
        """Use a refresh token; None: there is no session any more, perhaps because this very token ended it.

        It does not raise then, for the end of the session is to be committed.

        Raises:
            SessionEnded: the text is no refresh token.
        """
        token = RefreshToken.parse(text)
        session = await sessions.find(conn, token.session_id, visit.now)
        if session is None:
            return None
        successor = self._given_before(session, token, visit.now) or await self._rotated(conn, session, token, visit)
        if successor is None:
            await self.end(conn, session.user_id, session.id, visit, reason="an old refresh token was used")
            return None
        return Opened(user=_user_of(session), refresh_token=successor.text)

    async def revoke(self, conn: Connection, text: str, visit: Visit) -> None:
        """End the session that a refresh token names, if there is one. An old token ends it too, as its use would."""
        try:
            token = RefreshToken.parse(text)
        except SessionEnded:
            return
        if (session := await sessions.find(conn, token.session_id, visit.now)) is not None:
            await self.end(conn, session.user_id, session.id, visit, reason="logged out")

    async def end(
        self, conn: Connection, user_id: uuid.UUID, session_id: uuid.UUID, visit: Visit, *, reason: str
    ) -> None:
        """End a session, or raise `SessionNotFound`; its access tokens end with it."""
        client = await sessions.delete(conn, user_id, session_id)
        await _record(conn, visit, user_id, Change(AuditAction.SESSION_ENDED, session_id, client, {"reason": reason}))

    def _given_before(self, session: StoredSession, token: RefreshToken, now: dt.datetime) -> RefreshToken | None:
        """The successor that a token got a moment ago: its answer was lost, or two programs share the token."""
        if session.successor_salt is None or now >= session.last_used_at + GRACE:
            return None
        return token.successor(session.successor_salt) if self.digests.is_of(session.previous_digest, token) else None

    async def _rotated(
        self, conn: Connection, session: StoredSession, token: RefreshToken, visit: Visit
    ) -> RefreshToken | None:
        """Replace the session's current token; None: this is not it."""
        if not self.digests.is_of(session.token_digest, token):
            return None
        salt = secrets.token_bytes(blake2b.SALT_SIZE)
        successor = token.successor(salt)
        rotation = Rotation(
            token_digest=self.digests.of(successor),
            previous_digest=self.digests.of(token),
            successor_salt=salt,
            last_used_at=visit.now,
            expires_at=min(visit.now + self.idle, session.created_at + self.longest),
            client=visit.shown_client,
            address=visit.address,
        )
        await sessions.rotate(conn, session.id, rotation)
        return successor


async def end_logins(conn: Connection, user_id: uuid.UUID) -> None:
    """End all sessions of a user, and the codes that would set a new password."""
    await sessions.delete_of_user(conn, user_id)
    await password_resets.delete_of_user(conn, user_id)


def _user_of(session: StoredSession) -> User:
    scopes = ALL_OF_A_USER if session.scopes is None else _scopes_in(session.scopes)
    return User(user_id=session.user_id, token_epoch=session.token_epoch, token_scopes=scopes, session_id=session.id)


def _text_of(scopes: frozenset[Scope]) -> str | None:
    """None for all: then a session may do what a later version adds."""
    return None if scopes == ALL_OF_A_USER else " ".join(sorted(scopes))


def _scopes_in(text: str) -> frozenset[Scope]:
    return frozenset(scope for scope in ALL_OF_A_USER if scope in text.split())


async def _record(conn: Connection, visit: Visit, user_id: uuid.UUID, change: Change) -> None:
    await audit_events.insert(conn, user_id, visit.actor(user_id), visit.now, [change])
