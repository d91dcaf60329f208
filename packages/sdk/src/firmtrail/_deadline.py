"""A total time-out for blocking calls: every connect, read and write of a thread ends at that thread's deadline.

httpx bounds each read, so a server that sends one byte now and then holds a call for ever. Only the network backend of
httpcore sees every read, headers included; these two classes stand around the real ones.
The async client needs none of this: asyncio.timeout ends whatever it is in.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import httpcore

from firmtrail.errors import DeadlineExceededError

T = TypeVar("T")

#: seconds left of the call that runs in this thread
_remaining: ContextVar[Callable[[], float]] = ContextVar("remaining")


class DeadlinePassed(Exception):
    """There is no time left for another read or write."""


@contextmanager
def ends_after(remaining: Callable[[], float]) -> Generator[None]:
    """Bound all network activity of this thread by the seconds that `remaining` counts down."""
    token = _remaining.set(remaining)
    try:
        yield
    finally:
        _remaining.reset(token)


def _shortened(timeout: float | None) -> float:
    remaining = _remaining.get()()
    if remaining <= 0:
        raise DeadlinePassed
    return remaining if timeout is None else min(timeout, remaining)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that end with the deadline."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._inner.connect_tcp(host, port, _shortened(timeout), local_address, socket_options))


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _shortened(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _shortened(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, _shortened(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


@asynccontextmanager
async def async_ends_after(remaining: Callable[[], float]) -> AsyncGenerator[None]:
    """Bound everything in the block by the seconds that `remaining` counts down."""
    try:
        async with asyncio.timeout(max(0.0, remaining())):
            yield
    except TimeoutError:
        raise DeadlinePassed from None


def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Do what takes a disk; a blocking call does it at once."""
    return work(*args)


async def async_in_thread(work: Callable[..., T], *args: Any) -> T:
    """Do what takes a disk, while the event loop goes on."""
    return await asyncio.to_thread(work, *args)


WAITED = "The call was not over within the client's timeout: it waited for another one to get an access token."


class Lock:
    """A lock between threads that is not waited for beyond a deadline. A forked child has one of its own."""

    def __init__(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()

    @contextmanager
    def held(self, remaining: Callable[[], float]) -> Generator[None]:
        """Hold it for the block.

        Raises:
            DeadlineExceededError: the time that `remaining` counts down was over first.
        """
        if os.getpid() != self._process:  # whoever held it did not come along
            self._process, self._lock = os.getpid(), threading.Lock()
        lock = self._lock
        if not lock.acquire(timeout=max(0.0, remaining())):
            raise DeadlineExceededError(WAITED)
        try:
            yield
        finally:
            lock.release()


class AsyncLock:
    """The same between the tasks of an event loop. Each loop has one of its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def held(self, remaining: Callable[[], float]) -> AsyncGenerator[None]:
        """Hold it for the block.

        Raises:
            DeadlineExceededError: the time that `remaining` counts down was over first.
        """
        if asyncio.get_running_loop() is not self._loop:
            self._loop, self._lock = asyncio.get_running_loop(), asyncio.Lock()
        lock = self._lock
        try:
            async with asyncio.timeout(max(0.0, remaining())):
                await lock.acquire()
        except TimeoutError:
            raise DeadlineExceededError(WAITED) from None
        try:
            yield
        finally:
            lock.release()
