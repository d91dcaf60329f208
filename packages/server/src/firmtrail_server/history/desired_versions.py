"""Which rule counts for a device: of those whose labels it has, the one with the greatest priority. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from firmtrail_contract import DesiredVersion


def in_order(rules: Iterable[DesiredVersion]) -> list[DesiredVersion]:
    """Sort rules by component, and then by which one counts.

    Of two with one priority, which clocks that differ may leave for a moment of the past, the later one counts.
    """
    latest_first = sorted(rules, key=lambda rule: (rule.set_at, rule.id), reverse=True)
    return sorted(latest_first, key=lambda rule: (rule.component, -rule.priority))


def rules_for(rules: Iterable[DesiredVersion], labels: Mapping[str, str]) -> list[DesiredVersion]:
    """Choose the rule of each component that counts for a device with these labels."""
    matching = [rule for rule in in_order(rules) if rule.labels.items() <= labels.items()]
    return [next(of_component) for _, of_component in groupby(matching, key=lambda rule: rule.component)]
