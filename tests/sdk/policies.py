"""Give a client the clock, the jitter and the sleep of a test, which have no public place."""

from __future__ import annotations

from typing import TypeVar

import attrs

from firmtrail import AsyncClient, Client
from firmtrail._retry import RetryPolicy

C = TypeVar("C", Client, AsyncClient)


def with_policy(client: C, policy: RetryPolicy) -> C:
    """Let a client wait as the policy says, as often as it would have anyway."""
    transport = client._transport._transport
    kept = attrs.evolve(policy, attempts=transport._policy.attempts)
    transport._policy = transport._attempts._policy = kept
    return client
