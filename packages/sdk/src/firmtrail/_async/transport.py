"""Sending a call as whoever the client's credential belongs to, which nearly always means: with an access token."""

from __future__ import annotations

import copy
import math

from firmtrail._async.attempts import AsyncAttempts, AsyncStream
from firmtrail._calls import Answer, Call, decode, refusal
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

    def __init__(self, settings: Settings, *, timeout: float, policy: RetryPolicy) -> None:
        self._settings = settings
        self._timeout = checked_timeout(timeout)
        self._policy = policy
        self._attempts = AsyncAttempts(settings, policy)
        self._lock = AsyncLock()
        #: what came of getting a token the last time
        self._latest: Token | FirmtrailError | None = None

    async def send(self, call: Call) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over."""
        answer = await self._sent(call, self._policy.clock() + self._timeout + call.waits_seconds)
        if not answer.is_success:
            raise refusal(answer, call)
        return answer

    async def stream(self, call: Call) -> AsyncStream:
        """Send until an answer begins that is read while it comes; the client's timeout is for its beginning."""
        deadline = self._policy.clock() + self._timeout
        credential = self._credential()
        if isinstance(credential, Token):
            begun = await self._attempts.stream(call, bearer(credential), deadline)
        elif isinstance(credential, ApiKey) and self._settings.auth == "basic":
            begun = await self._attempts.stream(call, basic(credential), deadline)
        else:
            token = await self._token(credential, deadline)
            begun = await self._attempts.stream(call, bearer(token), deadline)
            if isinstance(begun, Answer):
                token = await self._token(credential, deadline, refused=token)
                begun = await self._attempts.stream(call, bearer(token), deadline)
        if isinstance(begun, Answer):
            raise refusal(begun, call)
        return begun

    async def pause(self, error: FirmtrailError, attempt: int) -> bool:
        """Wait before something is tried again that failed; False: that would not help."""
        wait = self._policy.wait(error, repeatable=True, attempt=attempt, deadline=math.inf)
        if wait is None:
            return False
        await self._policy.async_sleep(wait)
        return True

    async def access_token(self) -> AccessToken:
        """Get a token for somebody else to send; calls of this client do not take it."""
        credential = self._credential()
        if isinstance(credential, Token):
            raise ConfigError("An access token gives no other one: make the client with api_key=... or login=...")
        answer = await self._granted(credential, self._policy.clock() + self._timeout)
        if not answer.is_success:
            raise refusal(answer, token_call(credential))
        return decode(answer, AccessToken)

    async def rest(self, seconds: float) -> None:
        """Wait before a call that shall succeed some time."""
        await self._policy.async_sleep(seconds)

    async def aclose(self) -> None:
        await self._attempts.aclose()

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
            raise CredentialsError(
                "This call needs a credential: pass api_key=..., login=... or access_token=..., set FIRMTRAIL_API_KEY, "
                "or write it beside the server's url in your profile."
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
