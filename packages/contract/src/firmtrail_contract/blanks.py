"""What surrounds a text without being seen: blanks, line ends, byte order marks and padding."""

from __future__ import annotations

import re

from firmtrail_contract.limits import PRINTABLE, Text

#: ranges of code points: white space, NUL, marks of width zero, of direction and of byte order, and blank letters
_UNSEEN = (
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
    (0xFFF9, 0xFFFB),
)
UNSEEN = "".join(chr(point) for first, last in _UNSEEN for point in range(first, last + 1))
#: one that is seen; limits.py says why it is written out
_SEEN = PRINTABLE.removesuffix("]") + "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in _UNSEEN) + "]"
#: what a text may hold that is one line, and is not seen
_BLANKS = "".join(re.findall(PRINTABLE, UNSEEN))


def visible_text(min_length: int, max_length: int) -> Text:
    """Limit a text of which something must be seen, such as a name."""
    rule = "hold a visible character, and no control characters"
    return Text(min_length, max_length, f"^{PRINTABLE}*{_SEEN}{PRINTABLE}*$", rule)


def without_blanks(text: str) -> str:
    """Take blanks and invisible marks away around a version; control characters stay, for its limits to refuse."""
    return text.strip(_BLANKS)


def trimmed(text: str) -> str:
    """Take away what is not seen before and after a text, such as a version; what stands inside stays."""
    return text.strip(UNSEEN)
