"""A gateway: reads what devices say, a JSON object a line, and reports it for them.

    {"device_name": "pump-1", "version": "1.4.2", "component": "main", "observed_at": "2026-05-03T12:00:00Z"}

`component` and `observed_at` may be missing. Settings: FIRMTRAIL_URL and FIRMTRAIL_API_KEY, a key of the project that
was made with `reports_for_devices`: one client reports for all devices. A line that cannot be reported is said on
standard error and stops nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from firmtrail import Client


def reports(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read lines; those that are no report are left out."""
    for line in filter(str.strip, lines):
        try:
            said: dict[str, Any] = json.loads(line)
            if "observed_at" in said:
                said["observed_at"] = dt.datetime.fromisoformat(said["observed_at"])
            yield {"device_name": said["device_name"], "version": said["version"], **said}
        except (ValueError, KeyError, TypeError) as error:
            print(f"not reported: {line.strip()}: {error!r}", file=sys.stderr)


def main() -> int:
    lines = done = 0

    def counted() -> Iterator[str]:
        nonlocal lines
        for line in sys.stdin:
            lines += bool(line.strip())
            yield line

    with Client() as client:
        for result in client.firmware.report_many(reports(counted())):
            done += result.is_stored
            if not result.is_stored:
                print(f"not reported: {result.report.device_name}: {result.receipt.detail}", file=sys.stderr)
    print(f"{done} of {lines} reported")
    return int(done < lines)


if __name__ == "__main__":
    sys.exit(main())
