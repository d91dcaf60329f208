"""Which of two firmware versions is the later one: real strings, and what holds for any strings."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmtrail_contract import VersionScheme
from firmtrail_contract.version_order import (
    Order,
    compare,
    compare_with_bound,
    detect_scheme,
    fits,
    is_bound,
    newer_known,
    sort_key,
    sorted_versions,
)

#: versions of real firmware and systems, each line ascending as its makers mean it
REAL = [
    ("semver", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.10.0"),
    ("semver", "v0.9.9 v0.10.0-rc2 v0.10.0 v1.0.0+build.5 v1.0.1"),
    ("semver", "10.0.17763 10.0.19044 10.0.19045 10.0.22000"),
    ("semver", "12.1.0 12.9.1 12.10.0"),
    ("dotted", "3.9 3.9.1 3.10 3.10.2.1 4"),
    ("dotted", "24.04 24.10 24.10.1"),
    ("dotted", "2024.02.31 2024.02.32 2024.02.100"),
    ("pep440", "1.0.dev3 1.0a1 1.0b2 1.0rc1 1.0 1.0.post1 1.1"),
    ("pep440", "1.2.3 1.2.3-1 1.2.3-2 1.2.3-10"),
    ("date", "v2023.10 v2024.01-rc1 v2024.01-rc2 v2024.01 v2024.04"),
    ("date", "2024.02-rc1 2024.02 2024.02.1 2024.02.10 2024.05"),
    ("date", "20231231 20240102 20240503 20240503-2 20240503-10"),
    ("date", "2024-05-03 20240504 2024.05.05"),
    ("natural", "5.15.0-9-generic 5.15.0-91-generic 5.15.0-100-generic 6.2.0-20-generic"),
    ("natural", "1.2.3-rc1 1.2.3 1.2.3-5-gabcdef 1.2.3-12-g0123456 1.2.4"),
    ("natural", "RUTX_R_00.07.02 RUTX_R_00.07.06 RUTX_R_00.07.06.1 RUTX_R_00.07.06.10 RUTX_R_00.07.10"),
    ("natural", "1.1.1 1.1.1a 1.1.1w 1.1.2"),
    ("natural", "2.0~git20240503 2.0-r1 2.0-r2 2.0-r10"),
    ("natural", "FW9 FW10 FW10b"),
]

#: any version, and many that nearly fit a scheme
versions = st.one_of(
    st.text(min_size=1, max_size=20),
    st.from_regex(r"v?[0-9]{1,4}([-._+~][0-9a-c]{1,3}|rc|-dev){0,4}", fullmatch=True),
    st.sampled_from([version for _, line in REAL for version in line.split()]),
)
schemes = st.sampled_from(VersionScheme)


@pytest.mark.parametrize(("scheme", "line"), REAL)
def test_real_versions_are_detected_and_sorted(scheme: str, line: str) -> None:
    ascending = line.split()

    assert detect_scheme(ascending) == scheme
    assert sorted_versions(reversed(ascending), VersionScheme(scheme)) == ascending
    assert {compare(a, b, VersionScheme(scheme)) for a, b in combinations(ascending, 2)} == {Order.LOWER}


@pytest.mark.parametrize(
    ("scheme", "version", "other"),
    [
        ("semver", "1.0.0+build.5", "v1.0.0+build.6"),
        ("dotted", "1.4", "1.4.0"),
        ("dotted", "00.07.06", "0.7.6"),
        ("pep440", "1.4rc1", "1.4.0-RC.1"),
        ("date", "20240503", "v2024-5-3"),
        ("natural", "RUTX_R_00.07.06.1", "rutx-r-0.7.6.1"),
        ("natural", "v1.2.3-5-gabcdef", "1.2.3-5-gabcdef"),
    ],
)
def test_versions_of_equal_precedence_still_have_one_sort_order(scheme: str, version: str, other: str) -> None:
    assert compare(version, other, VersionScheme(scheme)) is Order.EQUAL
    assert sorted_versions([version, other], VersionScheme(scheme)) == sorted_versions(
        [other, version], VersionScheme(scheme)
    )


@given(versions, versions, schemes)
def test_any_two_versions_compare_antisymmetrically(version: str, other: str, scheme: VersionScheme) -> None:
    mirrored = {Order.LOWER: Order.HIGHER, Order.HIGHER: Order.LOWER}
    order = compare(version, other, scheme)

    assert compare(other, version, scheme) is mirrored.get(order, order)
    assert (sort_key(version, scheme) == sort_key(other, scheme)) == (version == other)
    if order is Order.LOWER:
        assert sort_key(version, scheme) < sort_key(other, scheme)


@given(versions, versions, versions, schemes)
def test_any_three_versions_compare_transitively(a: str, b: str, c: str, scheme: VersionScheme) -> None:
    low, middle, high = sorted([a, b, c], key=lambda version: sort_key(version, scheme))

    assert sort_key(low, scheme) <= sort_key(high, scheme)
    if compare(low, middle, scheme) is compare(middle, high, scheme) is Order.EQUAL:
        assert compare(low, high, scheme) is Order.EQUAL


@given(st.lists(versions), schemes)
def test_sorting_forgets_the_order_before_it(some: list[str], scheme: VersionScheme) -> None:
    once = sorted_versions(some, scheme)

    assert sorted_versions(once, scheme) == once
    assert sorted_versions(reversed(some), scheme) == once


@given(st.lists(versions, min_size=1), st.integers(1, 3))
def test_detection_depends_on_the_set_of_versions_alone(some: list[str], times: int) -> None:
    scheme = detect_scheme(some)

    assert detect_scheme([*reversed(some)] * times) is scheme
    assert sum(fits(version, scheme) for version in set(some)) >= 0.9 * len(set(some))


def test_one_odd_build_in_ten_does_not_change_the_scheme() -> None:
    releases = [f"1.{minor}.0" for minor in range(9)]

    assert detect_scheme([*releases, "test"]) is VersionScheme.SEMVER
    assert detect_scheme([*releases[1:], "test"]) is VersionScheme.NATURAL


def test_nothing_to_detect_from_is_natural_order() -> None:
    assert detect_scheme([]) is VersionScheme.NATURAL


def test_a_version_outside_the_scheme_is_sorted_first_and_not_compared() -> None:
    assert sorted_versions(["1.0.0", "test", "0.1.0", "10"], VersionScheme.SEMVER) == ["test", "10", "0.1.0", "1.0.0"]
    assert compare("test", "1.0.0", VersionScheme.SEMVER) is Order.UNKNOWN


def test_git_describe_is_a_pre_release_where_semver_is_declared() -> None:
    assert compare("1.2.3-5-gabcdef-dirty", "1.2.3", VersionScheme.SEMVER) is Order.LOWER
    assert compare("1.2.3-5-gabcdef-dirty", "1.2.3", VersionScheme.NATURAL) is Order.HIGHER


@pytest.mark.parametrize(
    "version", ["20241301", "2024-02-30", "2024.13", "1234.05", "202405", "2024.02.100", "2024.05-", "20240503x"]
)
def test_only_dates_of_the_calendar_are_dates(version: str) -> None:
    assert fits(version, VersionScheme.DATE) == (version in {"2024.05-", "20240503x"})


@pytest.mark.parametrize("version", ["1.\u0663.0", "1.0.po\u017ft1", "\uff11.0.0"])
def test_digits_and_letters_of_other_scripts_fit_no_standard(version: str) -> None:
    assert not any(fits(version, scheme) for scheme in VersionScheme if scheme is not VersionScheme.NATURAL)


@pytest.mark.parametrize(
    ("scheme", "bound", "version", "order"),
    [
        ("semver", "1.4", "1.4.0", Order.EQUAL),
        ("semver", "v1", "1.0.1", Order.HIGHER),
        ("semver", "1.5", "1.5.0-rc.1", Order.LOWER),
        ("semver", "1.5-rc.1", "1.5.0-rc.2", Order.HIGHER),
        ("date", "2024", "2023.12.31", Order.LOWER),
        ("date", "2024", "2024-01", Order.EQUAL),
    ],
)
def test_a_bound_may_be_shorter_than_a_version(scheme: str, bound: str, version: str, order: Order) -> None:
    assert is_bound(bound, VersionScheme(scheme))
    assert compare_with_bound(version, bound, VersionScheme(scheme)) is order


def test_newer_versions_are_known_of_all_that_fit() -> None:
    known = ["1.0.0", "v2.0.0", "2.0.0+other", "2.0.0-rc1", "test"]

    assert newer_known(known, VersionScheme.SEMVER) == {
        "1.0.0": True,
        "v2.0.0": False,
        "2.0.0+other": False,
        "2.0.0-rc1": True,
        "test": None,
    }
    assert newer_known([], VersionScheme.SEMVER) == {}


@given(st.lists(versions, min_size=1, unique=True), schemes)
def test_a_newer_version_is_one_that_compares_higher(some: list[str], scheme: VersionScheme) -> None:
    for version, newer in newer_known(some, scheme).items():
        orders = {compare(other, version, scheme) for other in some}
        assert newer == (Order.HIGHER in orders if fits(version, scheme) else None)


HOSTILE = [
    "9" * 128,
    "0" * 128,
    "1." * 64,
    "1.2.3-" + "1a" * 61,
    "1.2.3-" + "-" * 121 + "!",
    "1.0" + ".dev1" * 24 + "!",
    "2024" + "-1" * 62,
    "v" * 128,
    "~" * 128,
    "ß" * 128,
]


@pytest.mark.parametrize("scheme", VersionScheme)
def test_hostile_versions_of_full_length_are_ordered(scheme: VersionScheme) -> None:
    ascending = sorted_versions(HOSTILE, scheme)

    assert sorted_versions(reversed(HOSTILE), scheme) == ascending
    assert detect_scheme(HOSTILE) is VersionScheme.NATURAL


@given(st.text(max_size=128), schemes)
@example("", VersionScheme.NATURAL)
@example("1.0\n", VersionScheme.DOTTED)
@example("1.0.0\n", VersionScheme.SEMVER)
def test_every_text_has_a_place_in_every_scheme(text: str, scheme: VersionScheme) -> None:
    assert sorted_versions([text, "1.0.0"], scheme) == sorted_versions(["1.0.0", text], scheme)
