"""What the server is told beside the records: when it is news, and what this server understands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmtrail import AgentStatement

#: after which a server is told once more what it knows or did not understand: it may have been upgraded or restored
TELL_AGAIN_SECONDS = 24 * 3600.0


class Announcements:
    """Remembers what the server has taken and refused; `boot_time` gives seconds."""

    def __init__(self, boot_time: Callable[[], float]) -> None:
        self._boot_time = boot_time
        self._told: object = None
        self._not_understood: set[str] = set()
        self._forget_at = boot_time() + TELL_AGAIN_SECONDS

    @property
    def unknown(self) -> Collection[str]:
        """The fields that the server refuses."""
        return self._not_understood

    def due(self, interval_seconds: int | None, agent: AgentStatement | None) -> dict[str, Any]:
        """Choose what the next request carries, by the names of the batch's fields."""
        if self._boot_time() >= self._forget_at:
            self.forget()
        news = agent if agent is not None and _gist(agent, interval_seconds) != self._told else None
        said = {"interval_seconds": interval_seconds, "agent": news}
        return {name: one for name, one in said.items() if one is not None and name not in self._not_understood}

    def told(self, interval_seconds: int | None, agent: AgentStatement) -> None:
        """Remember that the server has taken a statement."""
        self._told = _gist(agent, interval_seconds)

    def not_understood(self, names: Iterable[str]) -> None:
        """Remember the fields that the server refuses."""
        self._not_understood |= {*names}

    def forget(self) -> None:
        """Tell everything again: it is another server or device, or may have changed."""
        self._told = None
        self._not_understood.clear()
        self._forget_at = self._boot_time() + TELL_AGAIN_SECONDS


def _gist(agent: AgentStatement, interval_seconds: int | None) -> object:
    """Leave out the words of errors, which may hold a time or a number that is another one at every reading."""
    failing = [(one.component, one.source, one.failing_since_ms) for one in agent.sources]
    return agent.version, interval_seconds, failing, agent.spool_error is None
