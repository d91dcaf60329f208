"""What a device of the stand-in runs, and what it ran."""

from __future__ import annotations

from firmtrail.testing.histories import shown
from firmtrail.testing.paging import page_of
from firmtrail.testing.request import Request
from firmtrail.testing.state import State
from firmtrail_contract import History, HistoryQuery, format_moment


def list_firmware_versions(state: State, request: Request) -> History:
    device = state.device(request.ids["device_id"])
    query, now = request.asked(HistoryQuery), state.now()
    if query.at is not None:
        at = query.at if query.at < now else None
        in_force = [shown(name, period) for name, period in device.running(at, query.component)]
        return History(items=in_force, as_of=min(query.at, now))
    periods = [
        (name, place, period)
        for name, component in device.components.items()
        if query.component in {None, name}
        for place, period in enumerate(component.periods)
        if query.until is None or period.first_reported_at <= query.until
    ]
    listed = page_of(
        periods,
        query,
        lambda one: (format_moment(one[2].first_reported_at), one[0], f"{one[1]:09}"),
        descending=query.newest_first,
    )
    return History(
        items=[shown(name, period) for name, _, period in listed.items], next_page_token=listed.next_page_token
    )
