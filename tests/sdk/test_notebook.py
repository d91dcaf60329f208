"""What notebooks show: every model of an answer as HTML that fetches nothing and escapes everything."""

from __future__ import annotations

import datetime as dt
import inspect
import uuid
from html.parser import HTMLParser
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
import pytest

import firmtrail
from firmtrail import Client
from firmtrail._notebook import html_of, show_in_notebooks

MARKUP = "<script src='http://evil'>alert(1)</script>&\"'<img onerror=x>"
MODELS = [
    model
    for name in firmtrail.__all__
    if attrs.has(model := getattr(firmtrail, name)) and name not in {"Page", "ApiKey", "Login"}
]


class Tags(HTMLParser):
    """The tags and attributes of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attrs)}


def hostile(kind: Any) -> Any:
    """Make a value of a type, with markup in every text."""
    if arguments := [one for one in get_args(kind) if one is not NoneType]:
        if get_origin(kind) is list:
            return [hostile(arguments[0])] * 30
        return {MARKUP: hostile(arguments[1])} if get_origin(kind) is dict else hostile(arguments[0])
    if attrs.has(kind):
        return hostile_model(kind)
    examples: dict[Any, Any] = {uuid.UUID: uuid.UUID(int=1), dt.datetime: dt.datetime.now(dt.UTC)}
    return examples.get(kind, kind(1) if kind in {int, float, bool} else MARKUP)


def hostile_model(model: Any) -> Any:
    """Fill a model as a careless client would: no validator of the contract looks."""
    attrs.resolve_types(model)
    made = model.__new__(model)
    for field in attrs.fields(model):
        object.__setattr__(made, field.name, hostile(field.type))
    return made


@pytest.mark.parametrize("model", MODELS)
def test_markup_in_every_field_stays_text(model: type) -> None:
    shown = html_of(hostile_model(model))

    assert Tags(shown).found <= {"div", "b", "table", "tr", "th", "td", "style"}
    assert "&lt;script" in shown or MARKUP not in repr(hostile_model(model))


@pytest.mark.parametrize("model", MODELS)
def test_no_secret_is_shown(model: type) -> None:
    hidden = [field.name for field in attrs.fields(model) if not field.repr]

    assert not [name for name in hidden if f">{name}<" in html_of(hostile_model(model))]


def test_a_long_list_is_cut_and_counted() -> None:
    assert "and 10 more" in html_of(hostile_model(firmtrail.FirmwareVersions))


def test_the_models_of_an_answer_and_those_within_have_html() -> None:
    show_in_notebooks(firmtrail.Page[firmtrail.ListedDevice])

    models: list[Any] = [firmtrail.ListedDevice, firmtrail.RunningVersion]
    assert all(inspect.isfunction(model._repr_html_) for model in models)


def test_colours_are_those_of_the_notebook() -> None:
    shown = html_of(hostile_model(firmtrail.FirmwareVersions))

    assert "color:" not in shown
    assert "background" not in shown


def test_a_pager_shows_itself_without_fetching() -> None:
    pager = Client("http://127.0.0.1:9", api_key="id:secret").devices.list()
    pager._path = MARKUP

    assert Tags(pager._repr_html_()).found == {"code"}
    assert "&lt;" in pager._repr_html_()
