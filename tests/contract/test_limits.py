"""What the validators of the contract's models refuse, where no other test says it."""

from __future__ import annotations

import unicodedata

import pytest

from firmtrail_contract import Text, Violation, ViolationCode

#: the class of a character that says in which direction text runs, Unicode Standard Annex 9
DIRECTIONS = {"LRE", "LRO", "PDF", "RLE", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"


def test_no_text_holds_a_mark_that_reorders_what_is_shown() -> None:
    marks = [chr(code) for code in range(0x11_0000) if unicodedata.bidirectional(chr(code)) in DIRECTIONS]

    for mark in [*marks, *MARKS]:
        with pytest.raises(Violation) as refused:
            Text(1, 128).check(f"1{mark}2")
        assert refused.value.code is ViolationCode.FORBIDDEN_CHARACTERS, ascii(mark)
