"""Alerts to a chat: says when a device falls silent or comes back, and when a version is seen for the first time.

Settings: FIRMTRAIL_URL and FIRMTRAIL_API_KEY (a viewer's does); ALERT_WEBHOOK, a URL that takes {"text": "..."} as
Slack, Mattermost and Rocket.Chat do; ALERT_STATE, a file that remembers what was said; ALERT_EVERY, the seconds between
two looks (missing, as for cron: look once). The first look says nothing: it learns what there is.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from firmtrail import Client, FirmtrailError

WEBHOOK_TIMEOUT_SECONDS = 10


def seen(client: Client) -> dict[str, list[str]]:
    """What there is now: silent devices, and versions that run somewhere."""
    return {
        "silent": sorted(device.name for device in client.fleet.silent()),
        "versions": sorted(f"{count.component} {count.version}" for count in client.fleet.versions().items),
    }


def news(before: dict[str, Any], now: dict[str, list[str]]) -> Iterator[str]:
    """Say what has changed. A version that was seen once is no news any more, also when it comes back."""
    yield from (f"{name} is silent" for name in now["silent"] if name not in before["silent"])
    yield from (f"{name} is back" for name in before["silent"] if name not in now["silent"])
    yield from (f"{name} runs for the first time" for name in now["versions"] if name not in before["versions"])


def look(client: Client, state: Path, webhook: str) -> None:
    """Compare with the last look, tell the chat, and remember: in this order, so that no news is lost."""
    now = seen(client)
    before = json.loads(state.read_text(encoding="utf-8")) if state.exists() else now
    if texts := list(news(before, now)):
        tell(webhook, "\n".join(texts))
    now["versions"] = sorted({*now["versions"], *before["versions"]})
    unfinished = state.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(now), encoding="utf-8")
    unfinished.replace(state)


def tell(webhook: str, text: str) -> None:
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(webhook, body, {"Content-Type": "application/json"})  # noqa: S310  the operator's
    urllib.request.urlopen(request, timeout=WEBHOOK_TIMEOUT_SECONDS).close()  # noqa: S310


def main() -> int:
    state, webhook = Path(os.environ["ALERT_STATE"]), os.environ["ALERT_WEBHOOK"]
    every = float(os.environ.get("ALERT_EVERY") or 0)
    with Client() as client:
        while True:
            try:
                look(client, state, webhook)
                failed = False
            except (FirmtrailError, OSError) as error:  # the next look says it all
                print(f"alerts: {error}", file=sys.stderr)
                failed = True
            if not every:
                return int(failed)
            time.sleep(every)


if __name__ == "__main__":
    sys.exit(main())
