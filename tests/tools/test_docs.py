"""What the site of the documentation has: ./dev docs builds it, and finds what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import firmtrail
from firmtrail import resources
from tools.docs.contents import index
from tools.docs.reference import PAGES, reference

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("docs/**/*.md", "packages/*/*.md", "bench/results/*.md")


@pytest.mark.parametrize(
    "page", sorted(page.relative_to(ROOT) for place in PLACES for page in ROOT.glob(place)), ids=str
)
def test_every_page_has_a_place_in_the_menu(page: Path) -> None:
    lines = {line.strip().rpartition("<")[2].rstrip(">") for line in index().splitlines()}

    assert page.with_suffix("").as_posix() in lines


def test_every_public_name_of_the_sdk_is_in_the_reference() -> None:
    shown = {line.partition(":: ")[2] for page in reference().values() for line in page.splitlines()}
    public = {f"firmtrail.{name}" for name in firmtrail.__all__}

    assert public | {f"firmtrail.resources.{name}" for name in resources.__all__} <= shown


def test_every_page_of_the_reference_has_a_place_in_the_menu() -> None:
    assert [f"{page}.rst" for page in PAGES] == [*reference()]
