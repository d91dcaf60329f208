"""What makers and tools write where they know nothing: no version, and no number that tells one device from another.

The words and numbers are those of public lists of fleets (osquery, the inventories OCS and GLPI, systemd). "Rev X.0x"
is of boards of ASUS; SMBIOS (DSP0134, type 0) has 255 where there is no release, and erased flash has all bits set.
Case, blanks and punctuation do not matter.
"""

from __future__ import annotations

import re
from itertools import pairwise

#: a text that is made of these alone says nothing: "To be filled by O.E.M.", "SystemSerialNumber", "@IMAGE_VERSION@"
_WORDS_OF_NOTHING = """
allocated applicable asset assigned available badindex baseboard be bios blank board bochs by change changeme
chassis computer configured customer data date default defined detail determined dummy empty enclosure error
example failed fill filled fillme firmware fixme found has have here id image implemented info information
initialised initialized installed invalid is known machine mainboard make manufacturer mb me missing model
more motherboard na name nan nil no non none not nothing null num number odm oem of outofspec part placeholder
present product programmed provided qemu replace reserved sample serial sernum sernum0 set settable sku specified
specify string supported system tag tba tbd this to todo type type1 type2 type3 unallocated unassigned
unavailable unconfigured undefined uninitialised uninitialized unk unknow unknown unkown unprogrammed unset
unspecified unsupported unused used uuid value vendor version virtualbox xx xxx yet your
"""
_WORDS = frozenset(_WORDS_OF_NOTHING.split())
#: these say nothing of which device it is; a version may well be called "test"
_WORDS_OF_NO_DEVICE = _WORDS | {"demo", "sn", "test"}
#: a maker's number that many machines have, without its hyphens and the zeros before it
_SHARED = frozenset(
    {
        "10000000000080000040000000000000",
        "1234567891011121314151617181920",
        "123456781234567890abcddeefaabbcc",
        "4c4c454400002010802080c04f202020",  # Dell's, of a board without a service tag
        "4c4c4544002020108020a0c04f202020",
        "123456fvgv3i0b8o5n6n7k",
        "cafebabe",
        "d00dfeed",  # what a device tree begins with
        "deadbeef",
        "eval",
        "feedface",
        "iatpass",
        "tulipcomputers",
    }
)
#: before a number: "SYS-1234567890", "SN-12345", "MB-1234567890"
_LABEL = re.compile(r"(?:sys|bsn|bss|csn|sn|mb|nb|serialnumber|serialno|serial|id|no|0x)(?=\w)")
#: "PF000000", "PFXXXXXX": a maker's prefix, and the number left out
_NO_NUMBER = re.compile(r"[a-z]{1,4}(?:0{6,}|x{4,})")
#: "Rev X.0x": what a version looks like, and none; X00 is one, of a prototype
_TEMPLATE = re.compile(r"(?:rev(?:ision)?|ver(?:sion)?|v|r)?\d*x[0x]*x")
#: numbers of 8, 16 and 32 bits that are all set
_ALL_ONES = frozenset({"255", "65535", "4294967295"})
_UUID = re.compile(r"\w{8}-\w{4}-\w{4}-\w{4}-\w{12}")
_RISING = (
    "01234567890123456789012345678901234567890",
    "0123456789abcdef" * 3,
    "1234567890abcdef",
    "abcdefghijklmnopqrstuvwxyz",
)
_RUNS = (*_RISING, *(rising[::-1] for rising in _RISING))
#: what is shorter may be chance
_SHORTEST_RUN, _SHORTEST_RUN_OF_A_VERSION = 4, 9
#: 32 bits in hexadecimal, none of them set; 0000 may be a version
_SHORTEST_ZEROS_OF_A_VERSION = 8
_SHORTEST_SAME_LETTERS = 4
_LONG_NUMBER = 16


def is_filler_version(text: str) -> bool:
    """Say whether a text in the place of a version says that there is none.

    11, 1.2.3, 255 and 0.0 are versions; "Default string", "x.x.x", 255.255, 00000000 and "0123456789" are none.
    """
    plain = _plain(text).removeprefix("0x")
    if plain.isdecimal():
        return _is_all_ones(text) or (plain in text and (_is_long_zero(plain) or _is_long_run(plain)))
    return (
        _says_nothing(plain, _WORDS)
        or bool(_TEMPLATE.fullmatch(plain))
        or (len(plain) >= _SHORTEST_SAME_LETTERS and len(set(plain)) == 1)
    )


def is_filler_identity(text: str) -> bool:
    """Say whether a text in the place of a serial number, a UUID or a machine id is one that others have too."""
    plain = _plain(text)
    number = _number(plain)
    return (
        len(set(number)) <= 2  # noqa: PLR2004  0000..., ffff... and the like
        or _says_nothing(plain, _WORDS_OF_NO_DEVICE)
        or bool(_NO_NUMBER.fullmatch(plain))
        or number.lstrip("0") in _SHARED
        or _is_pattern(number)
        or _is_uuid_of_patterns(text.strip().lower())
    )


def is_filler_fingerprint(text: str) -> bool:
    """Say whether a person who registers a device gives it such a text; a short number may be one of their own."""
    plain = _plain(text)
    is_long = len(_number(plain)) >= _SHORTEST_RUN
    return is_filler_identity(text) and (is_long or _says_nothing(plain, _WORDS_OF_NO_DEVICE))


def _number(plain: str) -> str:
    """Take a label away, such as "SN"."""
    return _LABEL.sub("", plain, count=1) if _LABEL.match(plain) else plain


def _plain(text: str) -> str:
    """Keep letters, digits and the surrogates that stand for what is no text: that is another fault."""
    return re.sub(r"[^\w\ud800-\udfff]|_", "", text).lower()


def _is_all_ones(text: str) -> bool:
    """Say whether a version is numbers with all bits set: at least two, or one of 32 bits, which no count reaches."""
    numbers = text.strip().split(".")
    return _ALL_ONES.issuperset(numbers) and (len(numbers) > 1 or max(map(int, numbers)) > 2**31)


def _is_long_zero(number: str) -> bool:
    return len(number) >= _SHORTEST_ZEROS_OF_A_VERSION and set(number) == {"0"}


def _is_long_run(number: str) -> bool:
    return len(number) >= _SHORTEST_RUN_OF_A_VERSION and _is_run(number)


def _says_nothing(plain: str, words: frozenset[str]) -> bool:
    """Say whether a text can be cut into words that say nothing; no text at all is such a one."""
    ends = {0}
    for start in range(len(plain)):
        if start in ends:
            ends |= {start + len(word) for word in words if plain.startswith(word, start)}
    return len(plain) in ends


def _is_pattern(number: str) -> bool:
    """Say whether a number goes up or down by one, maybe at every other place, repeats itself, or counts in bytes."""
    if len(number) >= _LONG_NUMBER and set(number[::2]) == {"0"}:
        return True
    return (
        _counts_bytes(number)
        or len(set(number)) == 1
        or _is_run(number)
        or _is_run(number.rstrip("0"))
        or (_is_run(number[::2]) and _is_run(number[1::2]))
        or _repeats(number)
    )


def _is_uuid_of_patterns(text: str) -> bool:
    """Know 12345678-1234-1234-1234-123456789abc and 11111111-2222-3333-4444-555555555555."""
    return bool(_UUID.fullmatch(text)) and all(_is_pattern(group) for group in text.split("-"))


def _is_run(number: str) -> bool:
    return len(number) >= _SHORTEST_RUN and any(number in run for run in _RUNS)


def _counts_bytes(number: str) -> bool:
    """Say whether each byte is one more than the one before, as in 01020304-0506-0708-090a-0b0c0d0e0f10."""
    if len(number) < _LONG_NUMBER:
        return False
    try:
        given = bytes.fromhex(number)
    except ValueError:
        return False
    return all(after == before + 1 for before, after in pairwise(given))


def _repeats(number: str) -> bool:
    """Say whether a part makes up the whole: three times, or twice in a number that is too long for chance."""
    times = 2 if len(number) >= _LONG_NUMBER else 3
    lengths = range(2, len(number) // times + 1)
    return any(number == number[:length] * (len(number) // length) for length in lengths if len(number) % length == 0)
