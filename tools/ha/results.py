"""The page that a run leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from tools.ha.databases import LOOP_WAIT, RETRY_TIMEOUT, TTL
from tools.ha.load import Balance
from tools.ha.outcome import Outcome, Speed, table


def page(outcomes: Sequence[Outcome], balances: Sequence[Balance], speeds: Mapping[bool, Sequence[Speed]]) -> str:
    """Write it in Markdown."""
    acknowledged, lost, doubled = (
        sum(getattr(one, name) for one in balances) for name in ("acknowledged", "lost", "doubled")
    )
    rounds = f"{len(balances)} round{'s' if len(balances) > 1 else ''}"
    return f"""# High availability

Written by `./dev ha --write`, {rounds}; see [docs/high-availability.md](../../docs/high-availability.md) for what ran.
Patroni's `ttl` {TTL} s, `loop_wait` {LOOP_WAIT} s, `retry_timeout` {RETRY_TIMEOUT} s, `synchronous_mode` on.

**{acknowledged:,} reports acknowledged, {lost} lost, {doubled} doubled.**

{table(outcomes)}

Times are the longest of all rounds. The requests that were refused were sent once; the load sent their reports again
later. SDK calls are those of four clients with the default retries (3 attempts).

## What synchronous replication costs

12 callers without a pause, 8 s a measurement, in turn, on one machine whose cores and disk all six machines share:
the ratio counts, not the figures.

{_costs(speeds)}
"""


def _costs(speeds: Mapping[bool, Sequence[Speed]]) -> str:
    rates = {kind: median(one.reports_a_second for one in of_kind) for kind, of_kind in speeds.items()}
    times = {kind: median(one.median_ms for one in of_kind) for kind, of_kind in speeds.items()}
    return "\n".join(
        [
            "| `synchronous_mode` | reports/s | p50 of a request, ms |",
            "|---|---|---|",
            *[f"| {'on' if kind else 'off'} | {rates[kind]:,.0f} | {times[kind]:.1f} |" for kind in (True, False)],
            f"| on / off | {rates[True] / rates[False]:.2f} | {times[True] / times[False]:.2f} |",
        ]
    )
