"""A converter that stops at the first error takes nothing that the thorough one refuses, and reads it the same."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from enum import EnumType
from types import NoneType
from typing import Any, NewType, get_args, get_origin

import attrs
import cattrs
import pytest

import firmtrail_contract
from firmtrail_contract import (
    Count,
    DeviceList,
    FirmwareReport,
    ListedDevice,
    Page,
    ReportBatch,
    lenient_converter,
    strict_converter,
)

MODELS: list[Any] = [
    model
    for name in firmtrail_contract.__all__
    if isinstance(model := getattr(firmtrail_contract, name), type) and attrs.has(model) and model is not Page
]
MOMENT = "2026-05-03T12:00:00.000000Z"
REFUSED = object()
#: what stands in the place of something right
ODD: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        2**64,
        5.0,
        5.5,
        float("inf"),
        "",
        "x",
        MOMENT,
        MOMENT[:-1],
        "2026-05-03",
        str(uuid.UUID(int=1)),
    ),
    *([], [None], ["x"], [{}], {}, {"x": None}, {"x": "y"}, {"x": 1}),
]


CONVERTER = strict_converter()
READING = {"boot_id": str(uuid.UUID(int=1)), "boot_sequence": 3, "boot_time_ms": 5, "wall_time": MOMENT}
BATCH = {
    "sent": {**READING, "clock_state": "synced"},
    "records": [{"first_observed": READING, "components": [{"component": "main", "version": " 1.0 "}]}],
    "interval_seconds": 3_600,
}


@attrs.frozen(kw_only=True)
class Few:
    """One whose default is made anew, and whose items are counted before they are read."""

    items: list[ListedDevice] = attrs.field(factory=list[ListedDevice], validator=Count(0, 3))
    share: float = 0.5


def example(kind: Any) -> Any:
    """Make plain JSON that is right for a type, but for a field's limits."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    if present := [one for one in get_args(kind) if one is not NoneType]:
        if get_origin(kind) is list:
            return [example(present[0])] * 2
        return {"key": example(present[1])} if get_origin(kind) is dict else example(present[0])
    if isinstance(kind, EnumType):
        return next(str(member) for member in kind)
    if attrs.has(kind):
        return {field.name: example(field.type) for field in attrs.fields(attrs.resolve_types(kind))}
    return {uuid.UUID: str(uuid.UUID(int=1)), dt.datetime: MOMENT, str: "x", bool: True}.get(kind, 1)


def variants(model: Any) -> Iterator[Any]:
    """What is right, and the same with a field too many, too few, or of another kind."""
    kind = get_origin(model) or model
    right = {"items": example(list[get_args(model)[0]])} if get_args(model) else example(kind)
    yield right
    yield right | {"unheard_of": 1}
    yield {field.name: right[field.name] for field in attrs.fields(kind) if field.default is attrs.NOTHING}
    for name in right:
        yield {other: value for other, value in right.items() if other != name}
        yield from (right | {name: odd} for odd in ODD)
    yield from ODD


def read(converter: cattrs.Converter, value: Any, model: Any) -> Any:
    """Read it; an error is as good as any other."""
    try:
        return converter.structure(value, model)
    except Exception:  # noqa: BLE001  whatever it is
        return REFUSED


@pytest.fixture(params=[strict_converter, lenient_converter])
def both(request: pytest.FixtureRequest) -> tuple[cattrs.Converter, cattrs.Converter]:
    """Give the quick converter and the thorough one."""
    make: Callable[..., cattrs.Converter] = request.param
    return make(all_errors=False), make()


@pytest.mark.parametrize("model", [*MODELS, Few, Page[ListedDevice], Page[str]], ids=str)
def test_what_it_takes_the_thorough_converter_reads_the_same(
    both: tuple[cattrs.Converter, cattrs.Converter], model: Any
) -> None:
    quick, thorough = both
    for value in variants(model):
        taken = read(quick, value, model)
        if taken is not REFUSED:
            assert repr(taken) == repr(right := read(thorough, value, model)), value
            assert type(taken) is type(right)


def test_a_page_of_devices_needs_no_second_reading() -> None:
    page = example(DeviceList)

    assert lenient_converter(all_errors=False).structure(page, DeviceList) == lenient_converter().structure(
        page, DeviceList
    )


@pytest.mark.parametrize("said", [BATCH, {"version": " 1.0 "}, {"version": "1.0", "component": "modem"}])
def test_what_devices_send_needs_no_second_reading(said: dict[str, Any]) -> None:
    model = ReportBatch if said is BATCH else FirmwareReport

    assert strict_converter(all_errors=False).structure(said, model) == strict_converter().structure(said, model)


def test_what_it_makes_can_be_looked_up() -> None:
    """Readings keep their hash once it was asked for."""
    read, made = (one.structure(BATCH, ReportBatch).sent for one in (strict_converter(all_errors=False), CONVERTER))

    assert {made: "there"}[read] == {read: "there"}[made] == "there"


def test_what_it_makes_is_frozen() -> None:
    page = lenient_converter(all_errors=False).structure(example(DeviceList), DeviceList)

    for model in (page, page.items[0], page.items[0].firmware[0]):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(model, attrs.fields(type(model))[0].name, None)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(model, attrs.fields(type(model))[0].name)
