"""What a tool may print when it is broken, cut off or another version: texts, JSON of any shape, pieces of the real."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def like(recorded: str, *keys: str) -> st.SearchStrategy[str]:
    """Make texts, JSON that knows some keys, and what was recorded with a piece taken out."""
    cuts = st.tuples(st.integers(0, len(recorded)), st.integers(0, len(recorded)))
    pieces = cuts.map(lambda cut: recorded[: min(cut)] + recorded[max(cut) :])
    return st.one_of(st.text(), _json_with(keys).map(json.dumps), pieces)


def _json_with(keys: tuple[str, ...]) -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.floats() | st.text(max_size=10) | st.just("booted")
    names = st.sampled_from(("version", *keys)) | st.text(max_size=3)
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))
