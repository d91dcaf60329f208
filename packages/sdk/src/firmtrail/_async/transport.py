"""Sending a call: attempts, the total deadline, and errors in our own words."""

from __future__ import annotations

import os

from firmtrail._calls import MAX_ANSWER_BYTES, Answer, Call, refusal
from firmtrail._deadline import DeadlinePassed, async_ends_after
from firmtrail._http import NOT_SENT, TRANSPORT_ERROR, new_async_client
from firmtrail._retry import RetryPolicy
from firmtrail._settings import Settings
from firmtrail.errors import (
    ConnectionLostError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
    NotSentError,
)


class AsyncTransport:
    """One connection pool to one server. A forked child gets a pool of its own."""

    def __init__(self, settings: Settings, *, timeout: float, policy: RetryPolicy) -> None:
        self._settings = settings
        self._timeout = timeout
        self._policy = policy
        self._process = os.getpid()
        self._http = new_async_client(settings)

    async def send(self, call: Call) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over."""
        deadline = self._policy.clock() + self._timeout
        attempt = 1
        while True:
            try:
                return await self._attempt(call, deadline)
            except FirmtrailError as error:
                wait = self._policy.wait(error, repeatable=call.repeatable, attempt=attempt, deadline=deadline)
                if wait is None:
                    raise
            await self._policy.async_sleep(wait)
            attempt += 1

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _attempt(self, call: Call, deadline: float) -> Answer:
        lost = not call.repeatable
        try:
            async with async_ends_after(lambda: deadline - self._policy.clock()):
                answer = await self._exchange(call)
        except DeadlinePassed:
            message = f"{call.method} {call.path} took longer than {self._timeout:g} s."
            raise DeadlineExceededError(message, maybe_applied=lost) from None
        except NOT_SENT as error:
            raise NotSentError(f"Cannot reach {self._settings.url}: {error}.") from None
        except TRANSPORT_ERROR as error:
            reason = str(error) or type(error).__name__
            message = f"The connection to {self._settings.url} broke before the answer was there: {reason}."
            raise ConnectionLostError(message, maybe_applied=lost) from None
        if not answer.is_success:
            raise refusal(answer)
        return answer

    async def _exchange(self, call: Call) -> Answer:
        if os.getpid() != self._process:
            self._process, self._http = os.getpid(), new_async_client(self._settings)
        chunks: list[bytes] = []
        async with self._http.stream(
            call.method, call.path, params=dict(call.query), content=call.content, headers=call.headers
        ) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                if sum(map(len, chunks)) > MAX_ANSWER_BYTES:
                    raise DecodeError(
                        f"The answer is larger than {MAX_ANSWER_BYTES} bytes.",
                        status=response.status_code,
                        request_id=headers.get("x-request-id"),
                    )
        return Answer(status=response.status_code, headers=headers, content=b"".join(chunks))
