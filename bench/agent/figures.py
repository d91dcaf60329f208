"""A figure, what is allowed, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    name: str
    measured: float
    #: None: any will do
    allowed: float | None
    #: the same of something else, measured in the same run
    references: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def verdict(self) -> str:
        if self.allowed is None:
            return ""
        return "met" if self.measured <= self.allowed else "MISSED"
