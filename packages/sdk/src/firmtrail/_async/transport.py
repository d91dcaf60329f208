"""Sending a call as whoever the client's credential belongs to, which nearly always means: with an access token."""

from __future__ import annotations

import copy
import math

import attrs

import firmtrail_contract
from firmtrail._async.attempts import AsyncAttempts, AsyncStream
from firmtrail._calls import Answer, Call, CallOptions, decode, refusal
from firmtrail._deadline import WAITED, AsyncLock
from firmtrail._retry import RetryPolicy
from firmtrail._sessions import LOCK_SECONDS, ProcessLock, SessionTokens, StoredSession
from firmtrail._settings import Settings, checked_timeout, is_same_server
from firmtrail._tokens import new_token, no_endpoint, refresh_call, stored_tokens, token_call
from firmtrail.credentials import ApiKey, Credential, Login, Token
from firmtrail.errors import ConfigError, CredentialsError, DeadlineExceededError, FirmtrailError, NotFoundError


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
        answer = await self._sent(call, self._deadline(call.options) + call.waits_seconds)
        if not answer.is_success:
            raise refusal(answer, call)
        return answer

    async def stream(self, call: Call) -> AsyncStream:
        """Send until an answer begins that is read while it comes; the timeout is for its beginning."""
        deadline = self._deadline(call.options)
        credential = self._credential()
        if isinstance(credential, Token) or (isinstance(credential, ApiKey) and self._settings.auth == "basic"):
            begun = await self._attempts.stream(call, credential, deadline)
        else:
            token = await self._token(credential, deadline)
            begun = await self._attempts.stream(call, token, deadline)
            if isinstance(begun, Answer):
                token = await self._token(credential, deadline, refused=token)
                begun = await self._attempts.stream(call, token, deadline)
        if isinstance(begun, Answer):
            raise refusal(begun, call)
        return begun

    async def pause(self, error: FirmtrailError, attempt: int, options: CallOptions) -> bool:
        """Wait before something is tried again that failed; False: that would not help."""
        policy = self._policy.with_attempts(options.attempts)
        wait = policy.wait(error, repeatable=True, attempt=attempt, deadline=math.inf)
        if wait is None:
            return False
        await policy.async_sleep(wait)
        return True

    async def access_token(self, options: CallOptions, *, offline_access: bool) -> firmtrail_contract.AccessToken:
        """Get a token for somebody else to send; calls of this client do not take it."""
        credential = self._credential()
        if isinstance(credential, Token | StoredSession):
            raise ConfigError("A token gives none to hand on: make the client with api_key=... or login=...")
        call = token_call(credential, offline_access=offline_access)
        answer = await self._granted(credential, call, self._deadline(options))
        if not answer.is_success:
            raise refusal(answer, call)
        return decode(answer, firmtrail_contract.AccessToken)

    async def keep(self, answer: Answer, options: CallOptions) -> None:
        """Go on with the tokens of an answer that begins a session anew, if this client is of a stored one."""
        credential = self._settings.credential
        if (
            not isinstance(credential, StoredSession)
            or decode(answer, firmtrail_contract.AccessToken).refresh_token is None
        ):
            return
        lock = await self._locked(credential, self._deadline(options))
        try:
            self._latest = self._stored(credential, answer)
        finally:
            lock.release()

    async def rest(self, seconds: float) -> None:
        """Wait before a call that shall succeed some time."""
        await self._policy.async_sleep(seconds)

    async def aclose(self) -> None:
        await self._attempts.aclose()

    def _deadline(self, options: CallOptions) -> float:
        return self._policy.clock() + (self._timeout if options.timeout is None else options.timeout)

    async def _sent(self, call: Call, deadline: float) -> Answer:
        if not call.needs_key:
            return await self._attempts.send(call, None, deadline)
        credential = self._credential()
        if isinstance(credential, Token) or (isinstance(credential, ApiKey) and self._settings.auth == "basic"):
            return await self._attempts.send(call, credential, deadline)
        token = await self._token(credential, deadline)
        answer = await self._attempts.send(call, token, deadline)
        if not answer.refuses_token:
            return answer
        token = await self._token(credential, deadline, refused=token)
        return await self._attempts.send(call, token, deadline)

    def _credential(self) -> Credential | StoredSession:
        if self._settings.credential is None:
            end = "set FIRMTRAIL_API_KEY, or write it beside the server's url in your profile."
            raise CredentialsError.said(
                f"This call needs a credential: pass api_key=..., login=... or access_token=..., {end}",
                in_shell=f"This call needs a credential: {end}",
            )
        return self._settings.credential

    async def _token(
        self, credential: ApiKey | Login | StoredSession, deadline: float, *, refused: Token | None = None
    ) -> Token:
        """Take the token that all calls share. One call gets it, and those that wait take what came of that."""
        known = self._latest
        if isinstance(known, Token) and known is not refused and self._policy.clock() < known.replace_at:
            return known
        async with self._lock.held(lambda: deadline - self._policy.clock()):
            if self._latest is known:
                self._latest = await self._fetched(credential, deadline, refused)
            latest = self._latest
        if isinstance(latest, Token):
            return latest
        assert latest is not None
        raise copy.copy(latest)  # an error of its own for each call: a traceback belongs to one

    async def _fetched(
        self, credential: ApiKey | Login | StoredSession, deadline: float, refused: Token | None
    ) -> Token | FirmtrailError:
        """Get a token; only a deadline is this call's own matter and raised, other failures concern all calls."""
        asked_at = self._policy.clock()
        try:
            if isinstance(credential, StoredSession):
                return await self._of_session(credential, deadline, refused)
            answer = await self._granted(credential, token_call(credential), deadline)
            return new_token(answer, asked_at=asked_at, random=self._policy.random())
        except DeadlineExceededError:
            raise
        except NotFoundError as error:
            is_its_own = error.code is not None  # what stands in between knows nothing of tokens
            return no_endpoint(self._settings.url) if is_its_own else error.with_traceback(None)
        except FirmtrailError as error:
            return error.with_traceback(None)

    async def _granted(self, credential: ApiKey | Login, call: Call, deadline: float) -> Answer:
        shown = credential if isinstance(credential, ApiKey) else None
        return await self._attempts.send(call, shown, deadline)

    async def _of_session(self, session: StoredSession, deadline: float, refused: Token | None) -> Token:
        """Take the access token of a stored session, refreshed by one process at a time."""
        if (token := self._usable(self._tokens(session), refused)) is not None:
            return token
        lock = await self._locked(session, deadline)
        try:
            tokens = self._tokens(session)  # another process may have been faster
            if (token := self._usable(tokens, refused)) is not None:
                return token
            if tokens is None:
                raise CredentialsError("This profile is logged out. Log in again with: firmtrail login")
            answer = await self._attempts.send(refresh_call(tokens.refresh_token), None, deadline)
            return self._stored(session, answer)
        finally:
            lock.release()

    def _tokens(self, session: StoredSession) -> SessionTokens | None:
        """Read the tokens, if the profile is still logged in at this server."""
        tokens = session.read()
        return tokens if tokens is not None and is_same_server(tokens.url, self._settings.url) else None

    async def _locked(self, session: StoredSession, deadline: float) -> ProcessLock:
        """Wait until no other process, and no other client of this one, refreshes the session."""
        lock = session.lock()
        while not lock.try_acquire():
            if deadline - self._policy.clock() <= LOCK_SECONDS:
                raise DeadlineExceededError(WAITED)
            await self._policy.async_sleep(LOCK_SECONDS)
        return lock

    def _usable(self, tokens: SessionTokens | None, refused: Token | None) -> Token | None:
        left = tokens.renew_at - self._policy.wall_clock() if tokens is not None else 0
        if tokens is None or left <= 0 or (refused is not None and refused.value == tokens.access_token):
            return None
        return Token(value=tokens.access_token, replace_at=self._policy.clock() + left)

    def _stored(self, session: StoredSession, answer: Answer) -> Token:
        """Keep the tokens of an answer, and give the access token."""
        now, random = self._policy.wall_clock(), self._policy.random()
        tokens = stored_tokens(answer, self._settings.url, now=now, random=random)
        session.write(tokens)
        return Token(value=tokens.access_token, replace_at=self._policy.clock() + tokens.renew_at - now)
