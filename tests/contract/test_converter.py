"""Reading models from JSON values: strictly on the server, leniently in clients, and never by guessing."""

from __future__ import annotations

import datetime as dt
import gc
import uuid
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import pytest

from firmtrail_contract import (
    Count,
    FieldError,
    FirmwareReceipt,
    FirmwareReport,
    NewDevice,
    Page,
    PageQuery,
    ReportOutcome,
    VersionPeriod,
    Violation,
    ViolationCode,
    field_errors,
    lenient_converter,
    strict_converter,
)
from firmtrail_contract.labels import MAX_LABELS
from firmtrail_contract.problems import MAX_ERRORS

RECEIPT = {
    "component": "main",
    "version": "1",
    "observed_at": "2026-05-03T12:00:00Z",
    "observed_at_source": "device",
    "outcome": "opened",
}


@pytest.fixture(params=[strict_converter, lenient_converter])
def converter(request: pytest.FixtureRequest) -> cattrs.Converter:
    return request.param()


def refused(converter: cattrs.Converter, value: object, model: type) -> list[tuple[str, str]]:
    with pytest.raises(ExceptionGroup) as caught:
        converter.structure(value, model)
    return [(error.pointer, error.code) for error in field_errors(caught.value)]


def test_an_enum_becomes_its_member(converter: cattrs.Converter) -> None:
    assert converter.structure(RECEIPT, FirmwareReceipt).outcome is ReportOutcome.OPENED


@pytest.mark.parametrize("value", [None, 1, True, 1.5, ["1"], {"a": 1}], ids=repr)
def test_only_a_string_is_a_string(converter: cattrs.Converter, value: object) -> None:
    assert refused(converter, {"version": value}, FirmwareReport) == [("/version", "wrong_type")]


def test_an_unknown_member_is_refused_by_a_server_and_kept_by_a_client() -> None:
    value = RECEIPT | {"outcome": "moon"}

    assert refused(strict_converter(), value, FirmwareReceipt) == [("/outcome", "unknown_value")]
    assert lenient_converter().structure(value, FirmwareReceipt).outcome == "moon"


def test_an_unknown_field_is_refused_by_a_server_and_ignored_by_a_client() -> None:
    value = RECEIPT | {"new": 1}

    assert refused(strict_converter(), value, FirmwareReceipt) == [("/new", "unknown_field")]
    assert lenient_converter().structure(value, FirmwareReceipt).version == "1"


def test_errors_inside_a_list_say_where(converter: cattrs.Converter) -> None:
    errors = refused(converter, {"items": [3, {"id": "x"}], "next_page_token": None}, Page[VersionPeriod])

    assert ("/items/0", "wrong_type") in errors
    assert ("/items/1/id", "malformed") in errors


def test_a_page_survives_the_way_there_and_back(converter: cattrs.Converter) -> None:
    moment = dt.datetime(2026, 5, 3, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    period = VersionPeriod(
        id=uuid.uuid4(),
        component="main",
        version="1",
        first_reported_at=moment,
        last_reported_at=moment,
        report_count=1,
        superseded_at=None,
        recorded_at=moment,
    )
    page = Page(items=[period], next_page_token="x")

    assert converter.structure(converter.unstructure(page), Page[VersionPeriod]) == page


@pytest.mark.parametrize("value", [5, 5.0])
def test_a_number_without_a_fraction_is_a_whole_number(converter: cattrs.Converter, value: float) -> None:
    size = converter.structure({"page_size": value}, PageQuery).page_size

    assert (size, type(size)) == (5, int)


@pytest.mark.parametrize("value", [None, "5", True, 5.5, [5], float("inf"), float("nan")], ids=repr)
def test_nothing_else_is_a_whole_number(converter: cattrs.Converter, value: object) -> None:
    assert refused(converter, {"page_size": value}, PageQuery) == [("/page_size", "wrong_type")]


def test_an_immense_number_is_out_of_range(converter: cattrs.Converter) -> None:
    assert refused(converter, {"page_size": 1e300}, PageQuery) == [("/page_size", "out_of_range")]


class Unread:
    """What no test may read from a JSON value."""


@attrs.frozen(kw_only=True)
class Few:
    items: list[Unread] = attrs.field(validator=Count(1, 3))


def never_reading(converter: cattrs.Converter) -> cattrs.Converter:
    def read(value: object, _: type) -> Unread:
        raise AssertionError(value)

    converter.register_structure_hook(Unread, read)
    return converter


@pytest.mark.parametrize(
    ("items", "code"), [([], "too_short"), ([0] * 4, "too_long"), ([0] * 30_000, "too_long"), ({}, "wrong_type")]
)
def test_a_list_is_refused_for_its_length_before_any_item_is_read(
    converter: cattrs.Converter, items: object, code: str
) -> None:
    assert refused(never_reading(converter), {"items": items}, Few) == [("/items", code)]


def test_it_is_so_too_where_the_first_error_is_enough() -> None:
    with pytest.raises(Violation) as caught:
        never_reading(strict_converter(all_errors=False)).structure({"items": [0] * 4}, Few)

    assert caught.value.code is ViolationCode.TOO_LONG


@attrs.frozen(kw_only=True)
class Named:
    text: str


@attrs.frozen(kw_only=True)
class Many:
    items: list[Named]
    lists: list[list[int]] = attrs.field(factory=list[list[int]])
    named: dict[str, int] = attrs.field(factory=dict[str, int])


TOO_MUCH: dict[str, Any] = {
    "items": {"items": [0] * 5_000},
    "items with unknown fields": {"items": [{"text": "a"} | {f"f{n}": 0 for n in range(50)}] * 5_000},
    "lists of lists": {"items": [], "lists": [["a"] * 70] * 1_000},
    "names": {"items": [], "named": {f"n{n}": "a" for n in range(5_000)}},
    "unknown fields": {"items": []} | {f"f{n}": 0 for n in range(5_000)},
}


@pytest.mark.parametrize("value", TOO_MUCH.values(), ids=TOO_MUCH)
def test_of_too_many_errors_a_server_names_the_first(value: object) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        strict_converter().structure(value, Many)

    named = field_errors(caught.value, most=MAX_ERRORS)
    assert len(named) == MAX_ERRORS
    assert named == field_errors(caught.value)[:MAX_ERRORS]


def counting(converter: cattrs.Converter) -> list[object]:
    """Refuse every whole number, and list them."""
    seen: list[object] = []

    def read(value: object, _: type) -> int:
        seen.append(value)
        raise Violation(ViolationCode.MALFORMED, "must be something else")

    converter.register_structure_hook(int, read)
    return seen


@pytest.mark.parametrize(("all_errors", "most"), [(True, MAX_ERRORS), (False, 1)])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([0] * 5_000, list[int]),
        ([[0] * 70] * 50, list[list[int]]),
        ({f"n{n}": 0 for n in range(5_000)}, dict[str, int]),
    ],
)
def test_a_server_reads_little_more_than_it_names(value: object, kind: type, most: int, *, all_errors: bool) -> None:
    converter = strict_converter(all_errors=all_errors)
    seen = counting(converter)

    with pytest.raises((ExceptionGroup, Violation)):
        converter.structure(value, kind)

    assert most <= len(seen) < 2 * most


@pytest.mark.parametrize("whole", [strict_converter, lenient_converter])
def test_one_that_stops_at_the_first_error_reads_and_refuses_the_same(
    whole: Callable[..., cattrs.Converter],
) -> None:
    right = RECEIPT | {"observed_at": "2026-05-03T14:00:00+02:00"}
    values: list[Any] = [None, 1, [], "", "2026-13-03T12:00:00.000000Z"]
    wrong: list[Any] = [
        [],
        "text",
        None,
        *({**RECEIPT, name: value} for name in RECEIPT for value in values),
        *({one: RECEIPT[one] for one in RECEIPT if one != name} for name in RECEIPT),
    ]

    def read(value: object, *, all_errors: bool) -> object:
        try:
            return whole(all_errors=all_errors).structure(value, FirmwareReceipt)
        except Exception:  # noqa: BLE001  whatever it is
            return None

    assert read(right, all_errors=False) is not None
    for value in [right, *wrong]:
        assert (value, read(value, all_errors=False)) == (value, read(value, all_errors=True))


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-03T12:00:00.000000Z",
        "2026-05-03T12:00:00Z",
        "2026-05-03T12:00:00.000000+02:00",
        "2026-13-03T12:00:00.000000Z",
        "2026-05-03 12:00:00.000000Z",
        "2026-05-03T12:00:00.00000Z",
        "not a moment, but as long Z",
    ],
)
def test_a_client_reads_a_moment_as_a_server_does(text: str) -> None:
    def read(converter: cattrs.Converter) -> object:
        try:
            return converter.structure({**RECEIPT, "observed_at": text}, FirmwareReceipt).observed_at
        except ExceptionGroup:
            return None

    assert read(lenient_converter()) == read(strict_converter())


def test_a_client_reads_an_answer_to_its_end_whatever_is_wrong() -> None:
    assert len(refused(lenient_converter(), {"items": [0] * 1_000}, Many)) == 1_000
    assert len(lenient_converter().structure({"items": [{"text": "a"}] * 5_000}, Many).items) == 5_000


@pytest.mark.parametrize(
    "value",
    [
        {"name": 1, "unknown": 1},
        {"name": "a", "labels": {"a": 1, "b": 2}},
        {"name": "a", "labels": dict.fromkeys(map(str, range(1_000)), 1)},
        [],
    ],
)
def test_a_refused_value_is_freed_without_garbage_collection(value: object) -> None:
    converter = strict_converter()
    gc.collect()
    gc.disable()
    try:
        assert errors_of(converter, value, NewDevice)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_labels_are_counted_before_any_is_read() -> None:
    too_many = dict.fromkeys(map(str, range(MAX_LABELS + 1)), 1)

    (error,) = errors_of(strict_converter(), {"name": "a", "labels": too_many}, NewDevice)

    assert (error.pointer, error.code) == ("/labels", ViolationCode.TOO_LONG)


def errors_of(converter: cattrs.Converter, value: object, model: type) -> list[FieldError]:
    try:
        converter.structure(value, model)
    except (cattrs.BaseValidationError, Violation) as error:
        return field_errors(error)
    return []
