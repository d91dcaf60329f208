"""The silent devices of the stand-in. A server looks once a minute, the stand-in at each request."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from firmtrail.testing.histories import KnownDevice
from firmtrail.testing.paging import page_of
from firmtrail.testing.request import Request
from firmtrail.testing.state import State
from firmtrail_contract import Page, SilenceState, SilentDevice, SilentDeviceQuery, format_moment


def list_silent_devices(state: State, request: Request) -> Page[SilentDevice]:
    query, now = request.asked(SilentDeviceQuery), state.now()
    found = [
        one
        for device in state.labelled(query.labels)
        if device.stored.retired_at is None and (query.component is None or query.component in device.components)
        for one in _silences(device, now)
        if _is_asked_for(one, query)
    ]
    return page_of(found, query, lambda one: (format_moment(one.silent_since), str(one.device_id)))


def _silences(device: KnownDevice, now: dt.datetime) -> Iterator[SilentDevice]:
    spans: list[tuple[dt.datetime, dt.datetime | None]] = [(one.since, one.ended_at) for one in device.silences]
    since = device.silent_since(now)
    if since is not None:
        spans.append((since, None))
    cadences = [one.cadence_seconds for one in device.components.values() if one.cadence_seconds is not None]
    for silent_since, ended_at in spans:
        yield SilentDevice(
            device_id=device.stored.id,
            name=device.stored.name,
            labels=device.stored.labels,
            silent_since=silent_since,
            ended_at=ended_at,
            last_reported_at=device.last_reported_at,
            cadence_seconds=max(cadences, default=None),
            never_reported=not device.components,
        )


def _is_asked_for(silence: SilentDevice, query: SilentDeviceQuery) -> bool:
    since, ended = silence.silent_since, silence.ended_at
    return (
        (query.state is SilenceState.ANY or (ended is not None) == (query.state is SilenceState.ENDED))
        and (query.silent_since_from is None or since >= query.silent_since_from)
        and (query.silent_since_before is None or since < query.silent_since_before)
        and (query.ended_from is None or (ended is not None and ended >= query.ended_from))
        and (query.ended_before is None or (ended is not None and ended < query.ended_before))
    )
