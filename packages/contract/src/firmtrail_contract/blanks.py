"""What surrounds a text without being seen: blanks, line ends, byte order marks and padding."""

from __future__ import annotations

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


def trimmed(text: str) -> str:
    """Take away what is not seen before and after a text, such as a version; what stands inside stays."""
    return text.strip(UNSEEN)
