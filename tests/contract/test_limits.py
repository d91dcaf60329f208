"""What the validators of the contract's models refuse, where no other test says it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest

from firmtrail_contract import (
    ComponentReading,
    DeviceQuery,
    FirmwareReport,
    NewDevice,
    NewProject,
    Text,
    Violation,
    ViolationCode,
    strict_converter,
)
from firmtrail_contract.agents import agent_error_limits, agent_version_limits, source_limits
from firmtrail_contract.api_keys import key_label_limits
from firmtrail_contract.blanks import UNSEEN, visible_text
from firmtrail_contract.firmware import version_limits
from firmtrail_contract.labels import label_value_limits
from firmtrail_contract.reports import error_limits

#: the class of a character that says in which direction text runs, Unicode Standard Annex 9
DIRECTIONS = {"LRE", "LRO", "PDF", "RLE", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"
#: tags, and a variation selector
BEYOND = ["\U000e0041\U000e007f", "\U000e0100"]


def test_no_text_holds_a_mark_that_reorders_what_is_shown() -> None:
    marks = [chr(code) for code in range(0x11_0000) if unicodedata.bidirectional(chr(code)) in DIRECTIONS]

    for mark in [*marks, *MARKS]:
        with pytest.raises(Violation) as refused:
            Text(1, 128).check(f"1{mark}2")
        assert refused.value.code is ViolationCode.FORBIDDEN_CHARACTERS, ascii(mark)


@pytest.mark.parametrize("model", [NewDevice, NewProject])
@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "\u3164 \u2800", "\ufe0f", *BEYOND])
def test_a_name_of_which_nothing_is_seen_is_refused(model: type, blank: str) -> None:
    with pytest.raises(Violation):
        model(name=blank)
    assert model(name=f"a{blank}b").name == f"a{blank}b"


@pytest.mark.parametrize("model", [FirmwareReport, ComponentReading, DeviceQuery])
@pytest.mark.parametrize("all_errors", [True, False])
@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "\u2060\u3000", *BEYOND])
def test_blanks_and_invisible_marks_around_a_version_make_no_other_version(
    model: Any, blank: str, *, all_errors: bool
) -> None:
    converter = strict_converter(all_errors=all_errors)

    assert converter.structure({"version": f"{blank}1.4 beta{blank}"}, model).version == "1.4 beta"
    assert model(version=f"{blank}1.4{blank}").version == "1.4"


def test_a_version_of_which_nothing_is_seen_or_with_control_characters_is_refused() -> None:
    for version in [*UNSEEN, " \n", "1.4\n"]:
        with pytest.raises(Violation):
            FirmwareReport(version=version)


@pytest.mark.parametrize("blank", ["\u200b", "\u3164 \u2800", *BEYOND])
@pytest.mark.parametrize(
    "limits",
    [agent_version_limits, source_limits, agent_error_limits, error_limits, key_label_limits, label_value_limits],
)
def test_no_text_that_people_see_is_invisible(limits: Text, blank: str) -> None:
    with pytest.raises(Violation) as refused:
        limits.check(blank)
    assert refused.value.code is ViolationCode.FORBIDDEN_CHARACTERS
    limits.check(f"{blank}a{blank}")


def test_a_label_of_a_key_may_be_empty_and_one_of_a_device_holds_no_comma() -> None:
    key_label_limits.check("")
    with pytest.raises(Violation):
        label_value_limits.check("a,b")


def test_a_published_pattern_names_no_character_beyond_the_first_plane() -> None:
    limits = [visible_text(0, 9), visible_text(1, 9), version_limits, label_value_limits]

    assert all(text.pattern.isascii() and "\\U" not in text.pattern for text in limits)
    assert all(re.search(text.pattern, BEYOND[0]) for text in limits)
