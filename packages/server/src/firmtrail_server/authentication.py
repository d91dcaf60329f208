"""Who asks: an API key by its secret, a user by the password, or either by a token; and they must live. No HTTP."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import attrs

from firmtrail_server.access import ALL_OF_A_USER, Principal, User
from firmtrail_server.credentials import SecretChecker, is_well_formed
from firmtrail_server.db import Database
from firmtrail_server.errors import LoginRefused, TokenNotValid, Unauthenticated
from firmtrail_server.failures import FailureLimits
from firmtrail_server.key_use import KeyUse
from firmtrail_server.queries import api_keys, users
from firmtrail_server.tokens import AccessTokens
from firmtrail_server.verified import Verified, VerifiedCredentials


@attrs.frozen(kw_only=True)
class Authentication:
    """What it takes to find out who asks."""

    database: Database
    tokens: AccessTokens
    #: of keys
    secrets: SecretChecker
    passwords: SecretChecker
    verified: VerifiedCredentials
    failures: FailureLimits
    key_use: KeyUse
    clock: Callable[[], dt.datetime]

    async def by_secret(self, key_id: str, secret: str, address: str) -> Verified[Principal]:
        """Find out whose id and secret these are. An unknown id costs the same time as a wrong secret.

        Raises:
            Unauthenticated: they are nobody's, or the key has expired.
            TooManyFailures: too many wrong ones came from the address.
            CredentialQueueFull: too many wait to be checked.
        """
        if not is_well_formed(secret):
            raise Unauthenticated
        try:
            known_by = uuid.UUID(key_id)
        except ValueError:
            raise Unauthenticated from None
        self.failures.check(str(known_by), address)
        key = await self.database.retried(lambda conn: api_keys.find(conn, known_by, self.clock()))
        is_right = await self.secrets.matches(secret, key.secret_hash if key else None)
        self.failures.settle(str(known_by), address, is_right=is_right)
        if key is None or not is_right:
            raise Unauthenticated
        self.key_use.note(key.id, key.last_used_at, self.clock())
        return Verified(key.principal, key.expires_at)

    async def by_token(self, token: str) -> Verified[Principal | User]:
        """Find out whose token this is.

        Raises:
            TokenNotValid: it is none of ours, has expired, or its key or user is not alive.
        """
        now = self.clock()
        claims = self.tokens.verify(token, now)
        if claims.epoch is not None:
            user = User(user_id=claims.subject_id, token_epoch=claims.epoch, token_scopes=claims.scopes)
            if not await self._is_valid(user):
                raise TokenNotValid
            return Verified(user, claims.expires_at)
        key = await self.database.retried(lambda conn: api_keys.find(conn, claims.subject_id, now))
        if key is None:
            raise TokenNotValid
        self.key_use.note(key.id, key.last_used_at, now)
        return Verified(attrs.evolve(key.principal, token_scopes=claims.scopes), claims.expires_at)

    async def by_password(self, email: str, password: str, address: str) -> User:
        """Find out whose address and password these are. An unknown address costs the same time as a wrong password.

        Raises:
            LoginRefused: they are nobody's.
            TooManyFailures, CredentialQueueFull: see `by_secret`.
        """
        who = email.lower()
        self.failures.check(who, address)
        login = await self.database.retried(lambda conn: users.find_login(conn, email))
        is_right = await self.passwords.matches(password, login.password_hash if login else None)
        self.failures.settle(who, address, is_right=is_right)
        if login is None or not is_right:
            raise LoginRefused
        return User(user_id=login.id, token_epoch=login.token_epoch, token_scopes=ALL_OF_A_USER)

    async def is_alive(self, caller: Principal | User) -> bool:
        """Look up whether the key of a principal lives, or the token of a user is still valid."""
        if isinstance(caller, User):
            return await self._is_valid(caller)
        return await self.database.retried(
            lambda conn: api_keys.is_alive(conn, caller.project_id, caller.actor_id, self.clock())
        )

    async def _is_valid(self, user: User) -> bool:
        login = await self.database.retried(lambda conn: users.find_login_of(conn, user.user_id))
        return login is not None and login.token_epoch == user.token_epoch
