"""The tests of alerts.py, by its author: pip install 'firmtrail[testing]' pytest; pytest test_alerts.py."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import alerts
import pytest

from firmtrail.testing import RealServer, StandIn


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What the chat was told."""
    texts: list[str] = []
    monkeypatch.setenv("ALERT_STATE", str(tmp_path / "state.json"))
    monkeypatch.setenv("ALERT_WEBHOOK", "http://chat.test/hook")
    monkeypatch.setattr(alerts, "tell", lambda _webhook, text: texts.append(text))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    return texts


def test_the_first_look_learns_and_says_nothing(firmtrail_stand_in: StandIn, told: list[str]) -> None:
    device = firmtrail_stand_in.add_device("pump-1")
    firmtrail_stand_in.add_report(device.id, "1.0")

    assert (alerts.main(), told) == (0, [])


def test_a_new_version_is_told_once(firmtrail_stand_in: StandIn, told: list[str]) -> None:
    device = firmtrail_stand_in.add_device("pump-1")
    alerts.main()
    firmtrail_stand_in.add_report(device.id, "1.1")

    alerts.main()
    alerts.main()

    assert told == ["main 1.1 runs for the first time"]


def test_silence_and_its_end_are_told(firmtrail_stand_in: StandIn, told: list[str]) -> None:
    device = firmtrail_stand_in.add_device("pump-1")
    firmtrail_stand_in.add_report(device.id, "1.0")
    alerts.main()

    firmtrail_stand_in.pass_time(dt.timedelta(hours=4))
    alerts.main()
    firmtrail_stand_in.add_report(device.id, "1.0")
    alerts.main()

    assert told == ["pump-1 is silent", "pump-1 is back"]


def test_what_a_failing_server_hid_is_told_by_the_next_look(firmtrail_stand_in: StandIn, told: list[str]) -> None:
    device = firmtrail_stand_in.add_device("pump-1")
    alerts.main()
    firmtrail_stand_in.add_report(device.id, "1.1")
    firmtrail_stand_in.fail(500, path="/firmware_versions")

    assert (alerts.main(), told) == (1, [])
    assert (alerts.main(), told) == (0, ["main 1.1 runs for the first time"])


def test_a_viewers_key_is_enough(firmtrail_stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRMTRAIL_API_KEY", firmtrail_stand_in.add_key("viewer"))

    assert alerts.main() == 0


def test_a_real_server_is_asked_the_same(firmtrail_real_server: RealServer) -> None:
    assert firmtrail_real_server.api_key
    assert alerts.main() == 0
