"""What surrounds a text without being seen: blanks, line ends, byte order marks and padding."""

from __future__ import annotations

import re

from firmtrail_contract.limits import PRINTABLE, Text

#: ranges of code points: white space, NUL, marks of width zero, of direction and of byte order, and blank letters
_UNSEEN_BELOW = (
    (0x00, 0x00),
    (0x09, 0x0D),
    (0x1C, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0xAD, 0xAD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x1680, 0x1680),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2000, 0x200F),
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
)
#: beyond U+FFFF: fillers, controls of shorthand and of music, tags and variation selectors
_UNSEEN_BEYOND = (
    (0x16FE4, 0x16FE4),
    (0x1BCA0, 0x1BCA3),
    (0x1D159, 0x1D159),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
UNSEEN = "".join(chr(point) for first, last in (*_UNSEEN_BELOW, *_UNSEEN_BEYOND) for point in range(first, last + 1))
#: what a text may hold that is one line, and is not seen
_BLANKS = "".join(re.findall(PRINTABLE, UNSEEN))


def visible_text(
    min_length: int,
    max_length: int,
    *,
    one: str = PRINTABLE,
    rule: str = "hold a visible character, and no control characters",
) -> Text:
    """Limit a text of which something must be seen, such as a name, or which is empty where `min_length` allows it.

    `one` is what each of its characters may be. limits.py says why the ranges are written out. Those beyond U+FFFF are
    no part of the published pattern: JavaScript reads them in one way with the flag `u`, in another without it.
    """
    below = "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in _UNSEEN_BELOW)
    beyond = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _UNSEEN_BEYOND)
    published, checked = (f"{one}*{one.removesuffix(']')}{unseen}]{one}*" for unseen in (below, below + beyond))
    return Text(min_length, max_length, _whole(published, min_length), rule, _whole(checked, min_length))


def _whole(pattern: str, min_length: int) -> str:
    return f"^{pattern}$" if min_length else f"^({pattern})?$"


def without_blanks(text: str) -> str:
    """Take blanks and invisible marks away around a version; control characters stay, for its limits to refuse."""
    return text.strip(" " if text.isascii() else _BLANKS)  # nearly every version is ASCII, and `_BLANKS` is long


def trimmed(text: str) -> str:
    """Take away what is not seen before and after a text, such as a version; what stands inside stays."""
    return text.strip(UNSEEN)
