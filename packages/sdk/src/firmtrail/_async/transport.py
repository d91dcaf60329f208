"""Sending a call as whoever the client's credential belongs to, which nearly always means: with an access token."""

from __future__ import annotations

import copy

import attrs

from firmtrail._async.attempts import AsyncAttempts
from firmtrail._calls import Answer, Call, CallOptions, decode, refusal
from firmtrail._deadline import AsyncLock
from firmtrail._http import basic, bearer
from firmtrail._retry import RetryPolicy
from firmtrail._settings import Settings, checked_timeout
from firmtrail._tokens import new_token, no_endpoint, token_call
from firmtrail.credentials import ApiKey, Credential, Login, Token
from firmtrail.errors import ConfigError, CredentialsError, DeadlineExceededError, FirmtrailError, NotFoundError
from firmtrail_contract import AccessToken


class AsyncTransport:
    """What all calls of a client share: connections and, in memory alone, the access token."""

    def __init__(
        self, settings: Settings, *, timeout: float, policy: RetryPolicy, attempts: AsyncAttempts | None = None
    ) -> None:
        self._settings = settings
        self._timeout = checked_timeout(timeout)
        self._policy = policy
        self._attempts = attempts or AsyncAttempts(settings, policy)
        self._lock = AsyncLock()
        #: what came of getting a token the last time
        self._latest: Token | FirmtrailError | None = None

    @property
    def url(self) -> str:
        return self._settings.url

    def as_another(self, credential: Credential) -> AsyncTransport:
        """Send as somebody else over the same connections."""
        settings = attrs.evolve(self._settings, credential=credential)
        return AsyncTransport(settings, timeout=self._timeout, policy=self._policy, attempts=self._attempts)

    async def send(self, call: Call) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over."""
        answer = await self._sent(call, self._deadline(call.options))
        if not answer.is_success:
            raise refusal(answer, call)
        return answer

    async def access_token(self, options: CallOptions) -> AccessToken:
        """Get a token for somebody else to send; calls of this client do not take it."""
        credential = self._credential()
        if isinstance(credential, Token):
            raise ConfigError("An access token gives no other one: make the client with api_key=... or login=...")
        answer = await self._granted(credential, self._deadline(options))
        if not answer.is_success:
            raise refusal(answer, token_call(credential))
        return decode(answer, AccessToken)

    async def aclose(self) -> None:
        await self._attempts.aclose()

    def _deadline(self, options: CallOptions) -> float:
        return self._policy.clock() + (self._timeout if options.timeout is None else options.timeout)

    async def _sent(self, call: Call, deadline: float) -> Answer:
        if not call.needs_key:
            return await self._attempts.send(call, None, deadline)
        credential = self._credential()
        if isinstance(credential, Token):
            return await self._attempts.send(call, bearer(credential), deadline)
        if isinstance(credential, ApiKey) and self._settings.auth == "basic":
            return await self._attempts.send(call, basic(credential), deadline)
        token = await self._token(credential, deadline)
        answer = await self._attempts.send(call, bearer(token), deadline)
        if not answer.refuses_token:
            return answer
        token = await self._token(credential, deadline, refused=token)
        return await self._attempts.send(call, bearer(token), deadline)

    def _credential(self) -> Credential:
        if self._settings.credential is None:
            end = "set FIRMTRAIL_API_KEY, or write it beside the server's url in your profile."
            raise CredentialsError.said(
                f"This call needs a credential: pass api_key=..., login=... or access_token=..., {end}",
                in_shell=f"This call needs a credential: {end}",
            )
        return self._settings.credential

    async def _token(self, credential: ApiKey | Login, deadline: float, *, refused: Token | None = None) -> Token:
        """Take the token that all calls share. One call gets it, and those that wait take what came of that."""
        known = self._latest
        if isinstance(known, Token) and known is not refused and self._policy.clock() < known.replace_at:
            return known
        async with self._lock.held(lambda: deadline - self._policy.clock()):
            if self._latest is known:
                self._latest = await self._fetched(credential, deadline)
            latest = self._latest
        if isinstance(latest, Token):
            return latest
        assert latest is not None
        raise copy.copy(latest)  # an error of its own for each call: a traceback belongs to one

    async def _fetched(self, credential: ApiKey | Login, deadline: float) -> Token | FirmtrailError:
        """Get a token; only a deadline is this call's own matter and raised, other failures concern all calls."""
        asked_at = self._policy.clock()
        try:
            answer = await self._granted(credential, deadline)
            return new_token(answer, asked_at=asked_at, random=self._policy.random())
        except DeadlineExceededError:
            raise
        except NotFoundError as error:
            is_its_own = error.code is not None  # what stands in between knows nothing of tokens
            return no_endpoint(self._settings.url) if is_its_own else error.with_traceback(None)
        except FirmtrailError as error:
            return error.with_traceback(None)

    async def _granted(self, credential: ApiKey | Login, deadline: float) -> Answer:
        shown = basic(credential) if isinstance(credential, ApiKey) else None
        return await self._attempts.send(token_call(credential), shown, deadline)
