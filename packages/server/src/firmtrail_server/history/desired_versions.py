"""Which rule counts for a device: of those whose labels it has, the one with the greatest priority. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import attrs

from firmtrail_contract import DesiredVersion, parse_label_filter


@attrs.frozen(kw_only=True)
class Governed:
    """The devices for which a rule counts: some labels they have, and others not together."""

    #: a filter of labels; None: all devices
    labels: str | None
    #: of the rules that come before
    labels_of_others: Sequence[Mapping[str, str]]


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


def governed(rules: Iterable[DesiredVersion], labels: str | None) -> Iterator[tuple[DesiredVersion, Governed | None]]:
    """Give every rule, with the devices matching a filter for which it counts; None: there can be none."""
    for _, of_component in groupby(in_order(rules), key=lambda rule: rule.component):
        before: list[Mapping[str, str]] = []
        for rule in of_component:
            yield rule, _governed(rule, before, labels)
            before = [*before, rule.labels]


def _governed(rule: DesiredVersion, before: Sequence[Mapping[str, str]], labels: str | None) -> Governed | None:
    wanted, _ = parse_label_filter(labels) if labels else ({}, [])
    contradicts = any(wanted.get(key, value) != value for key, value in rule.labels.items())
    if contradicts or any(others.items() <= rule.labels.items() for others in before):
        return None
    texts = [*([labels] if labels else []), *(f"{key}={value}" for key, value in rule.labels.items())]
    return Governed(labels=",".join(texts) or None, labels_of_others=before)
