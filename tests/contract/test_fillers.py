"""What is no version and no identity, on the lists of real fleets; and what looks like it and is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_contract import is_filler_identity, is_filler_version, trimmed
from firmtrail_contract.fillers import is_filler_fingerprint

WORDS = [
    "To be filled by O.E.M.",
    "to be filled by oem",
    "ToBeFilledByO.E.M.",
    "To Be Filled By O.E.M. by More String",
    "TO BE SET BY OEM",
    "Default string",
    "DEFAULT_STRING",
    "Not Specified",
    "NotSpecified",
    "Not Applicable",
    "Not Available",
    "Not Present",
    "Not Set",
    "Not Provided",
    "OEM not specify",
    "No Asset Tag",
    "No Serial Number",
    "System Serial Number",
    "Chassis Serial Number",
    "MB-Serial-Number",
    "Serial Number xxxxxx",
    "System Version",
    "System Product Name",
    "BIOS Version",
    "Bios Date",
    "QEMU",
    "VirtualBox",
    "None",
    "(none)",
    "N/A",
    "n.a.",
    "NULL",
    "(null string)",
    "nil",
    "INVALID",
    "Unknown",
    "Unknow",
    "unknown version",
    "undefined",
    "uninitialized",
    "Uninitialised",
    "unset",
    "empty",
    "T.B.D.",
    "TODO",
    "OEM",
    "xxxxxxxx",
    "x.xx",
    "X.X.X",
    "NNNNNNN",
    "ffffffff",
    "0xFFFFFFFF",
    "00000000",
    "0x00000000",
    "--",
    "...",
    "*",
    "?.?.?",
    "",
    " \t",
    "@VERSION@",
    "@IMAGE_VERSION@",
    "To be filled by O.D.M.",
    "TBD by ODM",
    "Type2 - Board Version",
    "SerNum0",
    "Part Number",
    "No Enclosure",
    "Dummy",
    "Example",
    "Fill By OEM",
    "YOUR_VERSION",
    "<BAD INDEX>",
    "<OUT OF SPEC>",
    "Customer",
    "${VERSION}",
    "{{ version }}",
    "NaN",
    "nan",
    "0123456789",
    "123456789",
    "1234567890",
    "9876543210",
]
#: what looks like a version and is none
TEMPLATES = [
    *("Rev X.0x", "REV X.0X", "Rev x.xx", "Version X.0X", "V0.xx", "X.0x", "Rev 1.xx", "V12.xx"),
    *("255.255", "255.255.255", "255.255.255.255", "65535.65535", "4294967295", " 255.255\n"),
]
NUMBERS = [
    "03000200-0400-0500-0006-000700080009",
    "02000100-0300-0400-0005-000600070008",
    "00020003-0004-0005-0006-000700080009",
    "03020100-0504-0706-0809-0A0B0C0D0E0F",
    "00010203-0405-0607-0809-0a0b0c0d0e0f",
    "10000000-0000-8000-0040-000000000000",
    "01234567-8910-1112-1314-151617181920",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "12345678-1234-1234-1234-123456789abc",
    "01234567-89ab-cdef-0123-456789abcdef",
    "11111111-2222-3333-4444-555555555555",
    "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "FEFEFEFE-FEFE-FEFE-FEFE-FEFEFEFEFEFE",
    "4C4C4544-0000-2010-8020-80C04F202020",
    "deadbeef-dead-beef-dead-beefdeadbeef",
    "0123456789abcdef0123456789abcdef",
    "00112233-4455-6677-8899-aabbccddeeff",
    "11223344-5566-7788-99AA-BBCCDDEEFF00",
    "1234567890abcdef",
    "a1b2c3d4e5f6",
    "00:11:22:33:44:55",
    "AA:BB:CC:DD:EE:FF",
    "cafebabe",
    "feedface",
    "00000000d00dfeed",
    "demo",
    "0000000000000000",
    "1",
    "1234",
    "12345",
    "123456789000",
    "12345678901234567",
    "1111111111",
    "abcdefgh",
    "123123123",
    "01020304-0506-0708-090A-0B0C0D0E0F10",
    "DE:AD:BE:EF",
    "SYS-1234567890",
    "BSN12345678901234567",
    "CSN12345678901234567",
    "MB-1234567890",
    "BSS-0123456789",
    "NB-1234567890",
    "SYS-9876543210",
    "SN-12345",
    "SN-123456fvgv3i0b8o5n6n7k",
    "EVAL",
    "IATPASS",
    "Tulip Computers",
    *("TEST", "Test", "Board-SN", "SN", "Board S/N", "PF000000", "CZC0000000", "PFXXXXXX"),
]
VERSIONS = [
    *("1", "11", "12", "1234", "1.2.3", "0.1.2", "1.1.1", "0", "0.0.0", "0000", "2.2.2.2", "20240501", "123456.789"),
    *(
        "3.2.1",
        "F.23",
        "A09",
        "N32ET97W (1.73 )",
        "rolling",
        "latest",
        "bookworm",
        "noble",
        "sid",
        "v26.05.0",
        "A",
        "ff",
    ),
    *("255", "255.1", "1.255.255", "65535", "4294967296", "X00", "X1.00", "0x00", "4.x", "Rev X", "rev 1.0x", "test"),
    *(
        "1.4.2+git.unknown",
        "abcdef1",
        "deadbeef",
        "sha256:47e5",
        "0x000000a6",
        "000000",
        "00000000-1",
        "demo",
        "1.2.3-none",
        "R1",
        "beta",
        "Nox",
    ),
]
IDENTITIES = [
    *("10000000abcdef42", "4c4c4544-0042-3010-8054-b4c04f4b4a31", "00000000-0000-0000-0000-0cc47a1b2c3d", "PF2ABCDE"),
    *(
        "4c4c4544-0053-4710-8052-b8c04f4a4b32",
        "C02XG1XZJHD2",
        "5CD1234XYZ",
        "100045",
        "20212223",
        "6f1d1a9b0c4e4a2e8b5f3d7c9e1a2b4c",
    ),
    *("TEST-7", "PF000001", "PF00000", "Z000000A", "rack0000", "TXX1234", "BOARD-7SN"),
    *("03d40274-0435-05a1-5606-9d0700080009", "VMware-56 4d 1c 2a", "SN-48213", "SYS-A7731"),
    *("00000000e0b2cafe", "demo-7"),
]


@pytest.mark.parametrize("text", WORDS)
def test_a_filler_is_no_version_and_no_identity(text: str) -> None:
    assert is_filler_version(text)
    assert is_filler_identity(text)


@pytest.mark.parametrize("text", TEMPLATES)
def test_the_outline_of_a_version_is_none(text: str) -> None:
    assert is_filler_version(text)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_shared_number_is_no_identity(text: str) -> None:
    assert is_filler_identity(text)
    assert is_filler_identity(f" {text.swapcase()}\n")


@pytest.mark.parametrize("text", VERSIONS)
def test_a_version_is_no_filler(text: str) -> None:
    assert not is_filler_version(text)


@pytest.mark.parametrize("text", IDENTITIES)
def test_an_identity_is_no_filler(text: str) -> None:
    assert not is_filler_identity(text)
    assert not is_filler_version(text)


@given(st.uuids(version=4))
def test_a_random_uuid_is_no_filler(number: object) -> None:
    assert not is_filler_identity(str(number))


@given(st.lists(st.integers(0, 99999), min_size=2, max_size=5).filter(lambda numbers: not {255, 65535} >= {*numbers}))
def test_numbers_with_dots_are_versions(numbers: list[int]) -> None:
    assert not is_filler_version(".".join(map(str, numbers)))


@given(st.text(max_size=200))
def test_any_text_is_a_filler_or_not(text: str) -> None:
    assert is_filler_version(text) in {True, False}
    assert is_filler_identity(text) in {True, False}


@pytest.mark.parametrize(
    "text",
    [
        "1.2",
        " 1.2 ",
        "\ufeff1.2\r\n",
        "\u00a01.2",
        "1.2\u200b",
        "\u20601.2\u00ad",
        "1.2\0\0",
        "\u20281.2\u3000\t",
        "\u200e1.2\u2800",
    ],
)
def test_what_is_not_seen_around_a_text_goes(text: str) -> None:
    assert trimmed(text) == "1.2"


def test_what_stands_inside_a_text_stays() -> None:
    assert trimmed(" N32ET97W (1.73 ) ") == "N32ET97W (1.73 )"


@given(st.text(max_size=50))
def test_trimming_twice_is_trimming_once(text: str) -> None:
    assert trimmed(trimmed(text)) == trimmed(text)
    assert trimmed(text) in text


@pytest.mark.parametrize(
    "text", ["To be filled by O.E.M.", "n/a", "00000000", "SN-12345", "03000200-0400-0500-0006-000700080009"]
)
def test_a_filler_that_is_long_enough_to_be_a_makers_is_no_fingerprint(text: str) -> None:
    assert is_filler_fingerprint(text)


@pytest.mark.parametrize("text", ["7", "A1", "SN-1", "SN-12", "SN-1047", "F1047", "C02XK0AAJG5J"])
def test_a_short_number_of_ones_own_is_a_fingerprint(text: str) -> None:
    assert not is_filler_fingerprint(text)
