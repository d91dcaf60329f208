"""What the commands of all benchmarks do alike: say on stderr how far they are, and end with one sentence."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

from bench.errors import CannotMeasure, WrongAnswers
from firmtrail_postgres import EmbeddedDatabaseError

_BEGAN = time.monotonic()


def exit_code_of(measure: Callable[[], None]) -> int:
    """Measure; say why it cannot be done. SIGTERM ends it in order, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measure()
    except (CannotMeasure, WrongAnswers, EmbeddedDatabaseError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def say(text: str) -> None:
    sys.stderr.write(f"bench: {time.monotonic() - _BEGAN:5.0f} s  {text}\n")
