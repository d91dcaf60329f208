"""`firmtrail report` and `firmtrail history`."""

from __future__ import annotations

import firmtrail
from firmtrail.cli.moments import earlier
from firmtrail.cli.names import DEVICE, device_id
from firmtrail.cli.texts import counted, shown
from firmtrail.cli.verbs import AT, DATES, FROM_DATE, LIMIT, Column, Verb, flag, option, positional


def _gaps(history: firmtrail.HistoryPager) -> str:
    return "; ".join(
        f"{counted(gap.records, 'record')} missing{f' from {shown(gap.began_at)}' if gap.began_at else ''} "
        f"to {shown(gap.ended_at)}: no room for them, damaged or refused"
        for gap in history.gaps
    )


HISTORY = Verb(
    "history",
    "every version that a device ever reported, or those in force at a moment",
    lambda c, o: c.firmware.history(device_id(c, o), at=o.at, component=o.component, limit=o.limit),
    [DEVICE, AT, option("component", "of this component alone"), LIMIT],
    [
        "component",
        "version",
        Column("first_reported_at", "first report"),
        Column("last_reported_at", "last report"),
        Column("superseded_at", "superseded"),
        Column("report_count", "reports", is_number=True, is_optional=True),
    ],
    remark=_gaps,
    examples=["history pump-1", "history pump-1 --at yesterday --component main"],
)

VERBS = [
    Verb(
        "report",
        "report, with a device's own API key, what it runs",
        lambda c, o: c.firmware.report(
            device_id(c, o), o.version, component=o.component, observed_at=o.observed_at, strict=o.strict
        ),
        [
            DEVICE,
            positional("version", "as the device writes it", metavar="VERSION"),
            option("component", "the part of the device that runs it", default="main"),
            option("observed-at", f"{DATES}; {FROM_DATE}; now, if left out", type=earlier, metavar="WHEN"),
            flag("strict", "refuse a moment that the server does not believe, instead of taking its own"),
        ],
        examples=["report 018f6a52-0000-7000-8000-000000000001 1.4.2", "report pump-1 1.4.2 --observed-at '2h ago'"],
    ),
    HISTORY,
]
