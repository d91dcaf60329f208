"""An export's pace, without time: when it rests, how long, and that its rests have an end."""

from __future__ import annotations

import threading
import time
from itertools import repeat

import pytest

from firmtrail_server.exports.pace import RESTS, UNNOTICED, Others, Pace


def test_an_export_alone_never_rests() -> None:
    pace = Pace(30)

    assert [pace.rest(0.01, others) for others in (0.0, UNNOTICED / 2, UNNOTICED)] == [0, 0, 0]


def test_a_rest_grows_with_the_block_and_with_what_others_do() -> None:
    pace = Pace(30)

    assert pace.rest(0.01, 1.0) == pytest.approx(0.01 * RESTS)
    assert pace.rest(0.02, 1.0) == pytest.approx(0.02 * RESTS)
    assert 0 < pace.rest(0.01, 0.4) < pace.rest(0.01, 0.7) < pace.rest(0.01, 1.0)


def test_one_rest_is_short_however_long_the_block_took() -> None:
    assert Pace(30).rest(10, 1.0) == 0.5


def test_rests_end_under_a_load_that_does_not() -> None:
    pace = Pace(30)

    rests = [pace.rest(worked, 1.0) for worked in repeat(0.04, 1_000)]

    assert sum(rests) == pytest.approx(30)
    assert rests[-1] == 0


def test_others_are_the_other_threads() -> None:
    others = Others()
    _spin()
    assert others.share() < 0.5

    _spin_elsewhere()
    _spin_elsewhere()
    assert others.share() > 0.5


def test_others_that_work_on_get_a_growing_share() -> None:
    others = Others()
    _spin()
    others.share()

    shares = list[float]()
    for _ in range(3):
        _spin_elsewhere()
        shares.append(others.share())
    assert 0 < shares[0] < shares[1] < shares[2]


def _spin_elsewhere() -> None:
    thread = threading.Thread(target=_spin)
    thread.start()
    thread.join()


def _spin() -> None:
    """Use CPU time, however little of it this machine has left."""
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        pass
