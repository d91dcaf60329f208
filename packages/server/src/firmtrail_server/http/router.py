"""Which endpoint a path is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import attrs
from aiohttp import hdrs

from firmtrail_server.errors import MethodNotAllowed, PathNotFound

T = TypeVar("T")


@attrs.define
class _Node(Generic[T]):
    """What stands at one place of the paths that begin alike."""

    literal: dict[str, _Node[T]] = attrs.field(factory=dict)
    #: whatever else stands there
    placeholder: _Node[T] | None = None
    #: of the path that ends here, by method
    endpoints: dict[str, T] = attrs.field(factory=dict)


class Router(Generic[T]):
    """Finds endpoints, segment by segment; a literal one comes first, and a placeholder takes what that leaves."""

    def __init__(self) -> None:
        self._root = _Node[T]()

    def add(self, method: str, path: str, endpoint: T) -> None:
        """Add an endpoint; one of GET answers HEAD too."""
        node = self._root
        for segment in path.split("/"):
            if segment.startswith("{"):
                node.placeholder = node.placeholder or _Node[T]()
                node = node.placeholder
            else:
                node = node.literal.setdefault(segment, _Node[T]())
        node.endpoints[method] = endpoint
        if method == hdrs.METH_GET:
            node.endpoints[hdrs.METH_HEAD] = endpoint

    def find(self, method: str, path: str) -> tuple[T, Sequence[str]]:
        """Return the endpoint, and what stands in the place of its placeholders.

        Raises:
            PathNotFound, MethodNotAllowed: there is none.
        """
        others = dict[str, T]()
        for node, found in _ends(self._root, path.split("/"), []):
            if (endpoint := node.endpoints.get(method)) is not None:
                return endpoint, found
            others |= node.endpoints
        raise MethodNotAllowed(method, others) if others else PathNotFound


def _ends(node: _Node[T], segments: list[str], found: list[str]) -> Iterator[tuple[_Node[T], list[str]]]:
    """Where a path may end, and what stands in the place of placeholders on the way there."""
    if not segments:
        yield node, found
        return
    segment, *rest = segments
    if (literal := node.literal.get(segment)) is not None:
        yield from _ends(literal, rest, found)
    if segment and node.placeholder is not None:
        yield from _ends(node.placeholder, rest, [*found, segment])
