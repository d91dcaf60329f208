"""The sockets that the server listens on, bound before anything else is done: a taken port is said at once."""

from __future__ import annotations

import socket
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any


class CannotListen(Exception):
    """The address is taken, or not ours."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"Cannot listen on {host} port {port}: {reason}. Choose another with --port or --host.")


@contextmanager
def bound(host: str, port: int, *, shared: bool) -> Generator[list[socket.socket]]:
    """Bind a socket to each address of a host. Connections are refused until somebody listens.

    Args:
        host: a name or an address.
        port: 0: any free one.
        shared: whether workers will listen beside it; the sockets given only keep the port for them.

    Raises:
        CannotListen: an address cannot be used.
    """
    with ExitStack() as stack:
        try:
            sockets = [stack.enter_context(_bound_alone(*one, shared=shared)) for one in _addresses(host, port)]
        except (OSError, UnicodeError) as error:
            raise CannotListen(host, port, reason_of(error)) from error
        yield sockets


def beside(reserved: socket.socket) -> socket.socket:
    """Bind a worker's own socket to a shared address.

    The kernel spreads connections over the sockets. From one that all had in common, the first worker to wake up would
    take everything that has arrived.
    """
    return _bound(reserved.family, reserved.getsockname(), shared=True)


def reason_of(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def url_of(sockets: Sequence[socket.socket]) -> str:
    host, port = sockets[0].getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [*dict.fromkeys((family, address) for family, _, _, _, address in found)]


def _bound_alone(family: socket.AddressFamily, address: tuple[Any, ...], *, shared: bool) -> socket.socket:
    alone = _bound(family, address, shared=False)
    if not shared:
        return alone
    with alone:  # another server that shares its port is somebody else all the same
        address = alone.getsockname()
    return _bound(family, address, shared=True)


def _bound(family: socket.AddressFamily, address: tuple[Any, ...], *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the end of an earlier server's connections
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made
