"""Sending a call until it is answered: attempts, a deadline, and a connection pool for each process."""

from __future__ import annotations

import os

import attrs

from firmtrail._calls import Answer, Call, refusal
from firmtrail._deadline import async_ends_after
from firmtrail._http import FAILURES, Authorization, failure, new_async_client, timeouts
from firmtrail._log import log_attempt, log_repetition
from firmtrail._retry import RetryPolicy
from firmtrail._settings import Settings
from firmtrail.errors import ClientClosedError, DecodeError, FirmtrailError
from firmtrail.proxies import without_password


class AsyncAttempts:
    """One connection pool to one server. A forked child gets a pool of its own."""

    def __init__(self, settings: Settings, policy: RetryPolicy) -> None:
        self._settings = settings
        self._policy = policy
        self._process = os.getpid()
        self._http = new_async_client(settings)
        self._is_closed = False

    async def send(self, call: Call, auth: Authorization | None, deadline: float) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over; give a refusal of the access token back too."""
        if self._is_closed:
            raise ClientClosedError("This client is closed. Make another one, or call it inside its `with` block.")
        policy, attempt = self._policy, 1
        if call.options.attempts is not None:
            policy = attrs.evolve(policy, attempts=call.options.attempts)
        while True:
            outcome = await self._attempt(call, auth, deadline)
            if isinstance(outcome, Answer):
                return outcome
            wait = policy.wait(outcome, repeatable=call.repeatable, attempt=attempt, deadline=deadline)
            if wait is None:
                raise outcome
            log_repetition(call, outcome, attempt=attempt, wait=wait)
            await policy.async_sleep(wait)
            attempt += 1

    async def aclose(self) -> None:
        self._is_closed = True
        await self._http.aclose()

    async def _attempt(self, call: Call, auth: Authorization | None, deadline: float) -> Answer | FirmtrailError:
        """Return an error, not raise it: raised here, its context would be httpx's error with the request in it."""

        def remaining() -> float:
            return deadline - self._policy.clock()

        try:
            async with async_ends_after(remaining):
                answer = await self._exchange(call, auth, remaining())
        except FAILURES as error:
            return failure(error, call, self._settings, in_time=remaining() > 0)
        if call.options.on_response:
            call.options.on_response(answer.raw(call))
        return answer if answer.is_success or answer.refuses_token else refusal(answer, call)

    async def _exchange(self, call: Call, auth: Authorization | None, remaining: float) -> Answer:
        if os.getpid() != self._process:
            self._process, self._http = os.getpid(), new_async_client(self._settings)
        started = self._policy.clock()
        async with self._http.stream(
            call.method,
            call.path,
            params=dict(call.query),
            content=call.content,
            headers=call.headers,
            auth=auth,
            timeout=timeouts(remaining),
        ) as response:
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > call.max_answer_bytes:
                    break
        headers = {name.lower(): value for name, value in response.headers.items()}
        proxy = without_password(self._settings.proxy) if self._settings.proxy else None
        answer = Answer(status=response.status_code, headers=headers, content=bytes(content), proxy=proxy)
        log_attempt(call, response.request.headers, answer, self._policy.clock() - started)
        return _whole(answer, call)


def _whole(answer: Answer, call: Call) -> Answer:
    if answer.is_success and len(answer.content) > call.max_answer_bytes:
        message = f"The answer is larger than {call.max_answer_bytes} bytes."
        raise DecodeError(message, status=answer.status, request_id=answer.request_id)
    return answer
