"""JSON is read alike with orjson and without: the same values, and the same errors in the same words."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator

import attrs
import pytest

from firmtrail import DecodeError, _converters
from firmtrail._calls import Answer, decode
from firmtrail_contract import Violation


@attrs.frozen(kw_only=True)
class Numbers:
    """One of each kind that the two could read differently."""

    count: int
    share: float
    name: str


RIGHT = b'{"count": 7, "share": 0.5, "name": "pump"'


@pytest.fixture(params=["orjson", "json"])
def reading_with(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """Read everything by this library, however short it is."""
    if request.param == "json":
        monkeypatch.setitem(sys.modules, "orjson", None)  # cannot be imported
    monkeypatch.setattr(_converters, "LARGE", 0)
    _converters._quick_loads.cache_clear()
    yield request.param
    _converters._quick_loads.cache_clear()


def read(content: bytes) -> object:
    """Read it as an answer; an error becomes its text."""
    try:
        return decode(Answer(status=200, headers={}, content=content), Numbers)
    except DecodeError as error:
        return str(error)


def thoroughly_read(content: bytes) -> object:
    try:
        return _converters.thorough.structure(json.loads(content), Numbers)
    except (ExceptionGroup, Violation):
        return "The answer does not keep to the contract"
    except (ValueError, RecursionError):
        return "The answer is not JSON"


@pytest.mark.usefixtures("reading_with")
@pytest.mark.parametrize(
    "content",
    [
        RIGHT + b"}",
        RIGHT + b', "unheard_of": [1, {"a": null}]}',
        RIGHT + b', "unheard_of": NaN}',
        RIGHT + b', "unheard_of": -Infinity}',
        RIGHT + b', "unheard_of": 1e400}',
        RIGHT + b', "unheard_of": "\\ud800"}',
        RIGHT + b', "unheard_of": "\xff"}',
        RIGHT + b', "unheard_of": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        RIGHT + b', "unheard_of": 1' + b"0" * 5_000 + b"}",
        RIGHT + b', "share": NaN}',
        RIGHT + b', "share": 1e400}',
        RIGHT + b', "share": 18446744073709551617}',
        RIGHT + b', "share": 1' + b"0" * 400 + b"}",
        RIGHT + b', "share": -0}',
        RIGHT + b', "count": 8}',
        RIGHT + b', "count": 5.0}',
        RIGHT + b', "count": 9223372036854775808}',
        RIGHT + b', "count": 18446744073709551617}',
        RIGHT + b', "count": -9223372036854775809}',
        RIGHT + b', "count": 123456789012345678901234567890}',
        RIGHT + b', "count": 1e3}',
        RIGHT + b', "count": 5.5}',
        RIGHT + b', "count": true}',
        RIGHT + b', "name": "\\ud800"}',
        RIGHT + b', "name": "\\ud83d\\ude00 \xf0\x9f\x98\x80 \\u0000"}',
        RIGHT + b', "name": "\xed\xa0\x80"}',
        RIGHT + b', "name": "a\x01"}',
        RIGHT + b', "name": null}',
        b"\xef\xbb\xbf" + RIGHT + b"}",
        (RIGHT + b"}").decode().encode("utf-16"),
        RIGHT,
        RIGHT + b"} {}",
        RIGHT + b", }",
        b"",
        b"<html>",
        b"[]",
        b"null",
    ],
    ids=lambda content: str(content[:80]),
)
def test_an_answer_is_read_as_by_json_alone(content: bytes) -> None:
    expected = thoroughly_read(content)

    found = read(content)

    if isinstance(expected, str):
        assert isinstance(found, str)
        assert found.startswith(expected)
    else:
        assert repr(found) == repr(expected)


def test_a_wrong_field_is_named(reading_with: str) -> None:
    said = read(RIGHT + b', "count": "many", "share": null}')

    assert isinstance(said, str), reading_with
    assert "/count must be a whole number" in said
    assert "/share must be a number" in said


def test_the_fixture_reads_by_the_library_that_it_names(reading_with: str) -> None:
    assert _converters._quick_loads().__module__.startswith(reading_with)
