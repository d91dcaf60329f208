"""Whether two machines report with one API key, as far as their boots tell. No I/O.

Of one machine, a boot that has ended never sends again. So where a boot sends after another one, first heard of later,
has sent with the same key, there are two machines. A request that was merely held up does not count: the boot clock in
it says that it was made before the other boot was heard of. Where the start of its boot is a bound, it says nothing.

What this cannot see is in docs/two-machines.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

import attrs

from firmtrail_contract import ClockReading, ObservedAtSource
from firmtrail_contract.version_periods import MAX_CLOCK_LEAD
from firmtrail_server.history.boots import Boot


@attrs.frozen(kw_only=True)
class RememberedBoot(Boot):
    """A boot, with who has sent during it."""

    #: the key with which it last sent; None: it was only told of
    api_key_id: uuid.UUID | None


def other_machine(sent: ClockReading, api_key_id: uuid.UUID, boots: Iterable[RememberedBoot]) -> RememberedBoot | None:
    """Find a boot, of those remembered, that proves another machine than the one that sends now."""
    by_id = {boot.boot_id: boot for boot in boots}
    sending = by_id.get(sent.boot_id)
    if sending is None:
        return None
    sent_at, source = attrs.astuple(sending.moment(sent))
    if source is ObservedAtSource.UPPER_BOUND:
        return None
    for boot in by_id.values():
        is_newer = boot is not sending and boot.recorded_at >= sending.recorded_at
        if is_newer and boot.api_key_id == api_key_id and sent_at > boot.recorded_at + MAX_CLOCK_LEAD:
            return boot
    return None
