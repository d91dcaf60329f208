"""How versions spread over the stand-in's devices."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from firmtrail.testing.histories import KnownDevice
from firmtrail.testing.refusals import invalid_parameter
from firmtrail.testing.request import Request
from firmtrail.testing.state import State
from firmtrail_contract import Adoption, AdoptionQuery, VersionAdoption
from firmtrail_contract.series import SeriesInvalid, moments, time_range, time_zone
from firmtrail_contract.version_order import detect_scheme, sort_key

_DEFAULT = dt.timedelta(days=90)


def get_adoption(state: State, request: Request) -> Adoption:
    query, now = request.asked(AdoptionQuery, unanswered=["version"]), state.now()
    try:
        zone = time_zone(query.time_zone)
        since, until = time_range(query.since, query.until, now, zone, _DEFAULT)
        series = moments(since, until, query.step, zone)
    except SeriesInvalid as error:
        raise invalid_parameter("since", str(error)) from None
    series = series if series[-1] == until else [*series, until]
    counts = [_counted(state.labelled(query.labels), query.component, at) for at in series]
    versions = {version for count in counts for version in count}
    scheme = query.scheme or detect_scheme(versions)
    return Adoption(
        component=query.component,
        moments=series,
        versions=[
            VersionAdoption(
                version=version,
                devices=[count[version] for count in counts],
                shares=[count[version] / count.total() if count else 0.0 for count in counts],
            )
            for version in sorted(versions, key=lambda one: sort_key(one, scheme), reverse=True)
        ],
        other_devices=[0] * len(series),
        labels_as_of=now,
        rollout=None,
    )


def _counted(devices: list[KnownDevice], component: str, at: dt.datetime) -> Counter[str]:
    """Count the devices in service on each version at a moment."""
    in_service = [one for one in devices if one.stored.retired_at is None or one.stored.retired_at > at]
    return Counter(period.version for device in in_service for _, period in device.running(at, component))
