"""Print what the demo device has run, as a project member reads it: with the key in the member's own profile."""

# ruff: noqa: INP001, T201  a script, not a package; it talks to people in a terminal

from __future__ import annotations

import sys
from pathlib import Path

import firmtrail

DEVICE = Path.home() / ".config" / "firmtrail" / "demo-device"


def main() -> int:
    device_id = DEVICE.read_text(encoding="utf-8").strip()
    with firmtrail.Client() as client:
        for period in client.firmware.history(device_id):
            print(f"{period.component}  {period.version}  {period.first_reported_at} .. {period.last_reported_at}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
