"""Models as text and back."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest

from firmtrail import ClockReading, ClockState, ComponentReading, ObservationRecord, from_json, to_json

READING = ClockReading(
    boot_id=uuid.UUID(int=1),
    boot_sequence=3,
    boot_time_ms=5,
    wall_time=dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC),
    clock_state=ClockState.SYNCED,
)
RECORD = ObservationRecord(first_observed=READING, components=[ComponentReading(version="1 é 🚀")])


def test_a_model_survives_the_way_there_and_back() -> None:
    assert from_json(to_json(RECORD), ObservationRecord) == RECORD


def test_what_a_newer_version_added_is_ignored() -> None:
    newer = json.dumps(json.loads(to_json(RECORD)) | {"mood": "good"})

    assert from_json(newer, ObservationRecord) == RECORD


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "3", "[" * 100_000, to_json(READING)])
def test_what_is_no_such_model_is_one_error(text: str) -> None:
    with pytest.raises(ValueError, match="not the JSON of a ObservationRecord"):
        from_json(text, ObservationRecord)
