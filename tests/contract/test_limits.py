"""What the validators of the contract's models refuse, where no other test says it."""

from __future__ import annotations

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
from firmtrail_contract.blanks import UNSEEN

#: the class of a character that says in which direction text runs, Unicode Standard Annex 9
DIRECTIONS = {"LRE", "LRO", "PDF", "RLE", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"


def test_no_text_holds_a_mark_that_reorders_what_is_shown() -> None:
    marks = [chr(code) for code in range(0x11_0000) if unicodedata.bidirectional(chr(code)) in DIRECTIONS]

    for mark in [*marks, *MARKS]:
        with pytest.raises(Violation) as refused:
            Text(1, 128).check(f"1{mark}2")
        assert refused.value.code is ViolationCode.FORBIDDEN_CHARACTERS, ascii(mark)


@pytest.mark.parametrize("model", [NewDevice, NewProject])
@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "\u3164 \u2800", "\ufe0f"])
def test_a_name_of_which_nothing_is_seen_is_refused(model: type, blank: str) -> None:
    with pytest.raises(Violation):
        model(name=blank)
    assert model(name=f"a{blank}b").name == f"a{blank}b"


@pytest.mark.parametrize("model", [FirmwareReport, ComponentReading, DeviceQuery])
@pytest.mark.parametrize("all_errors", [True, False])
@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b", "\u2060\u3000"])
def test_blanks_and_invisible_marks_around_a_version_make_no_other_version(
    model: Any, blank: str, *, all_errors: bool
) -> None:
    converter = strict_converter(all_errors=all_errors)

    assert converter.structure({"version": f"{blank}1.4 beta{blank}"}, model).version == "1.4 beta"
    assert model(version=f"{blank}1.4{blank}").version == "1.4"


@pytest.mark.parametrize("version", [*UNSEEN, " \n", "1.4\n"])
def test_a_version_of_which_nothing_is_seen_or_with_control_characters_is_refused(version: str) -> None:
    with pytest.raises(Violation):
        FirmwareReport(version=version)
