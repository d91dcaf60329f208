"""Who asks: an API key by its secret, a user by the password, or either by a token; and they must live. No HTTP."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from functools import lru_cache
from hmac import compare_digest
from typing import NamedTuple

import attrs

from firmtrail_server.auth.access_tokens import AccessTokens
from firmtrail_server.auth.credentials import SecretChecker, SecretDigests, is_well_formed
from firmtrail_server.auth.login_throttle import LoginThrottle
from firmtrail_server.auth.permissions import ALL_OF_A_USER, Principal, Scope, User
from firmtrail_server.auth.signing_keys import SigningKeys
from firmtrail_server.auth.token_cache import TokenCache
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import (
    CredentialQueueFull,
    KeyUnused,
    LoginRefused,
    SecretUnproved,
    TokenNotValid,
    Unauthenticated,
)
from firmtrail_server.queries import api_keys, users
from firmtrail_server.services.key_use import KeyUse


class Credential(NamedTuple):
    """Who a request says it comes from: an API key, or with an epoch a user."""

    subject_id: uuid.UUID
    #: what the secret's stored digest must be; None: it is proved, by a signature or by bcrypt
    digest: bytes | None = None
    secret: str | None = None
    #: what an access token leaves of the scopes; None: all of them
    token_scopes: frozenset[Scope] | None = None
    epoch: int | None = None
    #: of a user's session, which must not have ended
    session_id: uuid.UUID | None = None

    def __repr__(self) -> str:
        """Show whose it is, and no secret."""
        return f"Credential({self.subject_id})"

    def may(self, scope: Scope) -> bool:
        """Say whether it leaves a scope to those who have it."""
        return self.token_scopes is None or scope in self.token_scopes

    @property
    def refusal(self) -> type[Unauthenticated]:
        """What a request is told whose credential is good for nothing."""
        return Unauthenticated if self.token_scopes is None else TokenNotValid


@attrs.frozen(kw_only=True)
class Authentication:
    """What it takes to find out who asks."""

    database: Database
    tokens: AccessTokens
    token_cache: TokenCache
    digests: SecretDigests
    #: of keys
    secrets: SecretChecker
    passwords: SecretChecker
    #: of secrets that are not of their key
    key_failures: LoginThrottle
    #: of passwords
    failures: LoginThrottle
    #: of which each costs as much work as a wrong password; wrong passwords do not stop them
    sign_ups: LoginThrottle
    key_use: KeyUse
    clock: Callable[[], dt.datetime]

    async def use_keys(self, keys: SigningKeys) -> None:
        """Sign and believe by another set of keys; a token of a key that is gone is refused at once."""
        self.tokens.keys = keys
        self.token_cache.clear()
        self.digests.use(keys.digest_key())

    def of_secret(self, key_id: str, secret: str) -> Credential:
        """Take an id and a secret for those of a key.

        Raises:
            Unauthenticated: they cannot be.
        """
        try:
            subject_id = _parsed(key_id) if len(key_id) == _ID_LENGTH else uuid.UUID(key_id)
        except ValueError:
            raise Unauthenticated from None
        return Credential(subject_id, self.digests.of(secret), secret)

    def of_token(self, token: str) -> Credential:
        """Read whose token this is.

        Raises:
            TokenNotValid: it is none of ours, or has expired.
        """
        now = self.clock()
        claims = self.token_cache.find(token, now)
        if claims is None:
            claims = self.tokens.verify(token, now)
            self.token_cache.add(token, claims, now)
        return Credential(
            subject_id=claims.subject_id,
            token_scopes=claims.scopes,
            epoch=claims.epoch,
            session_id=claims.session_id,
        )

    async def identify(self, conn: Connection, credential: Credential) -> User | Principal:
        """Find the living key or user that a credential is of, in the transaction of the request.

        Raises:
            SecretUnproved: there is no such key, or its digest is another one, or it has none yet.
            Unauthenticated: there is no such key or user, or not any more.
            KeyUnused: its use has to be noted first, by `settle`.
        """
        if credential.epoch is not None:
            return await self._user(conn, credential, credential.epoch)
        now = self.clock()
        key = await api_keys.find(conn, credential.subject_id, now)
        if credential.digest is not None and (key is None or not _is_equal(key.secret_digest, credential.digest)):
            raise SecretUnproved
        if key is None:
            raise credential.refusal
        if key.is_unused:
            raise KeyUnused(key.project_id, key.id)
        self.key_use.note(key.id, key.last_used_at, now)
        return key.principal(credential.token_scopes)

    async def settle(self, credential: Credential, error: SecretUnproved | KeyUnused, address: str) -> Credential:
        """Do what `identify` needs before it can tell who asks: prove the secret, or note the first use of the key.

        Raises:
            Unauthenticated, TooManyFailures, CredentialQueueFull: see `prove`.
        """
        if isinstance(error, KeyUnused):
            await self.database.run(Transaction.INGEST, api_keys.mark_used, error.project_id, error.key_id)
            return credential
        return await self.prove(credential, address)

    async def prove(self, credential: Credential, address: str) -> Credential:
        """Check by bcrypt a secret that has not the digest of its key, and remember the right one's digest.

        So it is for a key that is older than digests, once, or after the signing key was replaced. Otherwise the secret
        is wrong. An unknown id costs the same time as a wrong secret. A right secret is taken however many wrong ones
        came from the same address: nobody guesses 256 random bits, and bcrypt's time is shared out by its queue.

        Raises:
            Unauthenticated: the secret is wrong, or there is no such key.
            TooManyFailures: too many wrong ones for this key came from the address.
            CredentialQueueFull: too many wait to be checked.
        """
        assert credential.secret is not None
        if not is_well_formed(credential.secret):
            raise Unauthenticated
        key_id = credential.subject_id
        key = await self.database.run(Transaction.READ, api_keys.find, key_id, self.clock())
        is_right = await self.secrets.matches(credential.secret, key.secret_hash if key else None, address)
        if key is None or not is_right:
            self.key_failures.note_result(str(key_id), address, is_right=False)
            raise Unauthenticated
        await self.database.run(
            Transaction.INGEST, api_keys.update_digest, key.project_id, key_id, self.digests.of(credential.secret)
        )
        return credential._replace(digest=None, secret=None)

    async def by_secret(self, key_id: str, secret: str, address: str) -> Principal:
        """Find out whose id and secret these are.

        Raises:
            Unauthenticated, TooManyFailures, CredentialQueueFull: see `prove`.
        """
        credential = self.of_secret(key_id, secret)
        while True:
            try:
                caller = await self.database.run(Transaction.READ, self.identify, credential)
            except (SecretUnproved, KeyUnused) as error:
                credential = await self.settle(credential, error, address)
            else:
                assert isinstance(caller, Principal)
                return caller

    async def by_password(self, email: str, password: str, address: str) -> User:
        """Find out whose address and password these are. An unknown address costs the same time as a wrong password.

        Raises:
            LoginRefused: they are nobody's.
            TooManyFailures, CredentialQueueFull: see `prove`.
        """
        who = email.lower()
        self.failures.check(who, address)
        login = await self.database.run(Transaction.READ, users.find_login, email)
        is_right = await self.is_password(password, login.password_hash if login else None, who, address)
        if login is None or not is_right:
            raise LoginRefused
        return User(user_id=login.id, token_epoch=login.token_epoch, token_scopes=ALL_OF_A_USER)

    async def is_password(self, password: str, password_hash: bytes | None, who: str, address: str) -> bool:
        """Check a password; one that is wrong is counted against who sent it, and so is one that finds no place.

        Raises:
            TooManyFailures, CredentialQueueFull: see `prove`.
        """
        self.failures.check(who, address)
        try:
            is_right = await self.passwords.matches(password, password_hash, address)
        except CredentialQueueFull:
            self.failures.add(who, address)
            raise
        self.failures.note_result(who, address, is_right=is_right)
        return is_right

    async def _user(self, conn: Connection, credential: Credential, epoch: int) -> User:
        login = await users.find_login_of(conn, credential.subject_id, credential.session_id)
        if login is None or login.token_epoch != epoch:
            raise TokenNotValid
        assert credential.token_scopes is not None
        return User(
            user_id=login.id,
            token_epoch=epoch,
            token_scopes=credential.token_scopes,
            session_id=credential.session_id,
        )


#: the same devices report again and again
_parsed = lru_cache(16_384)(uuid.UUID)
_ID_LENGTH = 36


def _is_equal(stored: bytes | None, digest: bytes) -> bool:
    return stored is not None and compare_digest(stored, digest)
