"""Who asks: the id and secret of an API key, or an access token made from it, and the key must be alive. No HTTP."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import attrs

from firmtrail_server.access import Principal
from firmtrail_server.credentials import SecretChecker, is_well_formed
from firmtrail_server.db import Database
from firmtrail_server.errors import TokenNotValid, Unauthenticated
from firmtrail_server.failures import FailureLimits
from firmtrail_server.key_use import KeyUse
from firmtrail_server.queries import api_keys
from firmtrail_server.tokens import AccessTokens
from firmtrail_server.verified import Verified, VerifiedCredentials


@attrs.frozen(kw_only=True)
class Authentication:
    """What it takes to find out who asks."""

    database: Database
    tokens: AccessTokens
    secrets: SecretChecker
    verified: VerifiedCredentials
    failures: FailureLimits
    key_use: KeyUse
    clock: Callable[[], dt.datetime]

    async def by_secret(self, key_id: str, secret: str, address: str) -> Verified:
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
        if not await self.secrets.matches(secret, key.secret_hash if key else None) or key is None:
            self.failures.add(str(known_by), address)
            raise Unauthenticated
        self.key_use.note(key.id, key.last_used_at, self.clock())
        return Verified(key.principal, key.expires_at)

    async def by_token(self, token: str) -> Verified:
        """Find out whose token this is.

        Raises:
            TokenNotValid: it is none of ours, has expired, or its key is not alive.
        """
        now = self.clock()
        claims = self.tokens.verify(token, now)
        key = await self.database.retried(lambda conn: api_keys.find(conn, claims.api_key_id, now))
        if key is None:
            raise TokenNotValid
        self.key_use.note(key.id, key.last_used_at, now)
        return Verified(attrs.evolve(key.principal, token_scopes=claims.scopes), claims.expires_at)

    async def is_alive(self, principal: Principal) -> bool:
        """Look up whether the key of a principal is neither deleted nor expired."""
        return await self.database.retried(
            lambda conn: api_keys.is_alive(conn, principal.project_id, principal.actor_id, self.clock())
        )
