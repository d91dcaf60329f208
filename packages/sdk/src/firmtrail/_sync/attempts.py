"""Sending a call until it is answered: attempts, a deadline, and a connection pool for each process."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

from firmtrail._calls import Answer, Call, refusal
from firmtrail._deadline import ends_after
from firmtrail._http import FAILURES, failure, headers_of, new_transport, request_of
from firmtrail._log import log_attempt, log_repetition
from firmtrail._retry import RetryPolicy
from firmtrail._settings import Settings
from firmtrail.credentials import ApiKey, Token
from firmtrail.errors import (
    ClientClosedError,
    ConnectionLostError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
)
from firmtrail.proxies import without_password

#: for the next bytes of an answer that is read while it comes
STREAM_SECONDS = 30.0


class Attempts:
    """One connection pool to one server. A forked child gets a pool of its own."""

    def __init__(self, settings: Settings, policy: RetryPolicy) -> None:
        self._settings = settings
        self._policy = policy
        self._process = os.getpid()
        self._http = new_transport(settings)
        self._is_closed = False

    def send(self, call: Call, shown: ApiKey | Token | None, deadline: float) -> Answer:
        """Send until it succeeds, cannot succeed, or the time is over; give a refusal of the access token back too."""
        self._check_open()
        policy, attempt = self._policy.with_attempts(call.options.attempts), 1
        while True:
            outcome = self._attempt(call, shown, deadline)
            if isinstance(outcome, Answer):
                return outcome
            wait = policy.wait(outcome, repeatable=call.repeatable, attempt=attempt, deadline=deadline)
            if wait is None:
                raise outcome
            log_repetition(call, outcome, attempt=attempt, wait=wait)
            policy.sleep(wait)
            attempt += 1

    def stream(self, call: Call, shown: ApiKey | Token | None, deadline: float) -> Stream | Answer:
        """Send until an answer begins that is a success, cannot succeed, or the time until then is over."""
        self._check_open()
        policy, attempt = self._policy.with_attempts(call.options.attempts), 1
        while True:
            outcome = self._begin(call, shown, deadline)
            if not isinstance(outcome, FirmtrailError):
                return outcome
            wait = policy.wait(outcome, repeatable=call.repeatable, attempt=attempt, deadline=deadline)
            if wait is None:
                raise outcome
            log_repetition(call, outcome, attempt=attempt, wait=wait)
            policy.sleep(wait)
            attempt += 1

    def close(self) -> None:
        self._is_closed = True
        self._http.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientClosedError("This client is closed. Make another one, or call it inside its `with` block.")

    def _begin(self, call: Call, shown: ApiKey | Token | None, deadline: float) -> Stream | Answer | FirmtrailError:
        def remaining() -> float:
            return deadline - self._policy.clock()

        try:
            with ends_after(remaining):
                response = self._open(call, shown, STREAM_SECONDS)
                if response.is_success:
                    return Stream(response, call, self._settings)
                answer = self._read(response, call)
        except FAILURES as error:
            return failure(error, call, self._settings, in_time=remaining() > 0)
        if call.options.on_response:
            call.options.on_response(answer.raw(call))
        return answer if answer.refuses_token else refusal(answer, call)

    def _open(self, call: Call, shown: ApiKey | Token | None, remaining: float) -> Any:
        self._after_fork()
        request = request_of(call, self._settings, shown, remaining)
        started = self._policy.clock()
        response = self._http.handle_request(request)
        log_attempt(call, request.headers, self._answer(response, b""), self._policy.clock() - started)
        return response

    def _read(self, response: Any, call: Call) -> Answer:
        content = bytearray()
        try:
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > call.max_answer_bytes:
                    break
        finally:
            response.close()
        return self._answer(response, bytes(content))

    def _answer(self, response: Any, content: bytes) -> Answer:
        proxy = without_password(self._settings.proxy) if self._settings.proxy else None
        return Answer(status=response.status_code, headers=headers_of(response), content=content, proxy=proxy)

    def _after_fork(self) -> None:
        if os.getpid() != self._process:
            self._process, self._http = os.getpid(), new_transport(self._settings)

    def _attempt(self, call: Call, shown: ApiKey | Token | None, deadline: float) -> Answer | FirmtrailError:
        """Return an error, not raise it: raised here, its context would be httpx's error with the request in it."""

        def remaining() -> float:
            return deadline - self._policy.clock()

        try:
            with ends_after(remaining):
                answer = self._read(self._open(call, shown, remaining()), call)
        except FAILURES as error:
            return failure(error, call, self._settings, in_time=remaining() > 0)
        if call.options.on_response:
            call.options.on_response(answer.raw(call))
        if answer.is_success:
            return _whole(answer, call)
        return answer if answer.refuses_token else refusal(answer, call)


class Stream:
    """An answer that is read while it comes: as long as it takes, but no wait for more of it is longer than others."""

    def __init__(self, response: Any, call: Call, settings: Settings) -> None:
        self._response, self._call, self._settings = response, call, settings
        #: by lower-case name
        self.headers = headers_of(response)

    def chunks(self) -> Generator[bytes]:
        """Give the bytes as they come.

        Raises:
            ConnectionLostError: it broke off.
        """
        waiting = self._response.iter_raw()
        while True:
            try:
                with ends_after(_stream_seconds):
                    chunk = next(waiting, None)
            except FAILURES as error:
                lost = failure(error, self._call, self._settings, in_time=True)
            else:
                if chunk is None:
                    return
                yield chunk
                continue
            raise _lost(lost)

    def close(self) -> None:
        self._response.close()


def _stream_seconds() -> float:
    return STREAM_SECONDS


def _lost(error: FirmtrailError) -> FirmtrailError:
    """Call it lost where the wait for more was too long: there is no time for all of it."""
    return ConnectionLostError("No more of the answer came.") if isinstance(error, DeadlineExceededError) else error


def _whole(answer: Answer, call: Call) -> Answer:
    if answer.is_success and len(answer.content) > call.max_answer_bytes:
        message = f"The answer is larger than {call.max_answer_bytes} bytes."
        raise DecodeError(message, status=answer.status, request_id=answer.request_id)
    return answer
