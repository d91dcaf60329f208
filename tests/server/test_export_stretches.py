"""How long the stretches of a resumable export are."""

from __future__ import annotations

from firmtrail_server.exports.stretches import FIRST_DEVICES, GROWTH, MOST_DEVICES, ROWS, devices_of_next


def test_stretches_grow_step_by_step_up_to_their_rows() -> None:
    devices = [FIRST_DEVICES]
    for _ in range(6):
        devices.append(devices_of_next(devices[-1], rows=devices[-1] * 50))

    assert devices[1] == FIRST_DEVICES * GROWTH
    assert devices == sorted(devices)
    assert devices[-1] * 50 == ROWS


def test_a_stretch_of_long_histories_is_followed_by_a_shorter_one() -> None:
    assert devices_of_next(1_000, rows=5_000_000) == 50
    assert devices_of_next(1, rows=10 * ROWS) == 1


def test_a_stretch_never_has_more_devices_than_it_may() -> None:
    assert devices_of_next(MOST_DEVICES, rows=0) == MOST_DEVICES
