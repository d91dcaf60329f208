"""The language of `version=`: what it means, what it refuses, and what it suggests."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmtrail_contract import VersionScheme
from firmtrail_contract.version_filters import (
    MAX_COMPARISONS,
    MAX_FILTER_LENGTH,
    MAX_NEAR,
    Comparison,
    ExactVersion,
    VersionFilter,
    VersionFilterInvalid,
    VersionPrefix,
    VersionRange,
    near,
    parse_filter,
)
from firmtrail_contract.version_order import Order, compare

#: versions as they are stored: printable, with nothing unseen around them
stored = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=128)
plain = st.from_regex(r"v?[0-9a-z]([-._+ ]?[0-9a-z]){0,8}", fullmatch=True)
filters = st.one_of(
    st.builds(ExactVersion, stored),
    st.tuples(plain, st.sampled_from(".-_+ ")).map(lambda parts: VersionPrefix("".join(parts))),
    st.lists(st.builds(Comparison, st.sampled_from([">=", "<=", ">", "<", "!="]), plain), min_size=1, max_size=8).map(
        lambda comparisons: VersionRange(tuple(comparisons))
    ),
)


def meant(text: str, known: str, scheme: VersionScheme = VersionScheme.SEMVER) -> str:
    """Which of the known versions a filter means."""
    wanted = parse_filter(text)
    return " ".join(version for version in known.split() if wanted.matches(version, scheme))


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("1.4.2", "1.4.2 v1.4.2 1.4.2-rc1 1.4.20", "1.4.2"),
        (" 1.4.2 ", "1.4.2", "1.4.2"),
        ("==1.4.*", "1.4.* 1.4.2", "1.4.*"),
        ("==>=1", ">=1 1.0.0", ">=1"),
        ("==a,b", "a,b a b", "a,b"),
        ("====", "== ===", "=="),
        ("1.4.*", "1.4 1.4.2 v1.4.2-rc1 1.40.0 1.4-rc1 1.4x 11.4.2", "1.4 1.4.2 v1.4.2-rc1"),
        ("V1.4.*", "1.4.2 v1.4.2", "1.4.2 v1.4.2"),
        ("5.15.0-*", "5.15.0-91-generic 5.15.0 5.15.0.1 5.15.01", "5.15.0-91-generic 5.15.0"),
        ("rutx_r_00.07.*", "RUTX_R_00.07.06.1 RUTX_R_00.07 RUTX_R_00.070", "RUTX_R_00.07.06.1 RUTX_R_00.07"),
        (">=1.4,<1.5", "1.3.9 1.4.0-rc1 1.4.0 v1.4.10 1.5.0-rc1 1.5.0 test", "1.4.0 v1.4.10 1.5.0-rc1"),
        (" >= 1.4 , != 1.4.1 ", "1.3.0 1.4.0 1.4.1+a 1.4.2", "1.4.0 1.4.2"),
        ("<=1.4.0", "1.3.0 1.4.0+build.5 1.4.1", "1.3.0 1.4.0+build.5"),
        (">1.4.0", "1.4.0+build.5 1.4.1", "1.4.1"),
        ("!=test", "test 1.0.0 other", "1.0.0 other"),
    ],
)
def test_a_filter_finds_what_it_says(text: str, known: str, found: str) -> None:
    assert meant(text, known) == found


@pytest.mark.parametrize(
    ("scheme", "text", "known", "found"),
    [
        ("pep440", ">=1.0rc1,<1.1", "1.0b2 1.0rc1 1.0 1.0.post1 1.1", "1.0rc1 1.0 1.0.post1"),
        ("dotted", ">1.4", "1.4 1.4.0 1.4.0.1 1.10", "1.4.0.1 1.10"),
        ("date", ">=2024,<2024.06", "2023.11 20240503 2024.05 2024-06-01", "20240503 2024.05"),
        ("natural", ">=1.4", "v1.3.9-2-gabcdef v1.4.0-1-gabcdef 1.4.1", "v1.4.0-1-gabcdef 1.4.1"),
        ("natural", ">5.15.0-91", "5.15.0-9-generic 5.15.0-100-generic", "5.15.0-100-generic"),
    ],
)
def test_comparisons_follow_the_scheme(scheme: str, text: str, known: str, found: str) -> None:
    assert meant(text, known, VersionScheme(scheme)) == found


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("==", "names no version"),
        ("=1.4", "==1.4"),
        ("*", "1.4.*"),
        (".*", "1.4.*"),
        ("1.4*", "==1.4*"),
        ("1.*.2", "==1.*.2"),
        ("1.4.**", "==1.4.**"),
        ("1.4,1.5", "==1.4,1.5"),
        (">=", ">=1.4.2"),
        (">=1.4,", "no comparison"),
        (">=1.4,1.5", "no comparison"),
        (">=1.4,==1.5", "no comparison"),
        ("!=1.4.*", "without"),
        (">>1.4", "without"),
        ("=>1.4", "=="),
        (",".join([">1"] * (MAX_COMPARISONS + 1)), str(MAX_COMPARISONS)),
        ("1" * (MAX_FILTER_LENGTH + 1), str(MAX_FILTER_LENGTH)),
    ],
)
def test_a_malformed_filter_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(VersionFilterInvalid) as refused:
        parse_filter(text)

    assert advice in str(refused.value)


def test_a_bound_that_cannot_be_compared_is_refused() -> None:
    wanted = parse_filter(">=1.4,<next")

    with pytest.raises(VersionFilterInvalid, match="'next' cannot be compared"):
        wanted.matches("1.0.0", VersionScheme.SEMVER)
    assert not wanted.matches("1.0.0", VersionScheme.NATURAL)


@given(filters)
@example(ExactVersion("=1"))
@example(ExactVersion("!=1"))
@example(ExactVersion("!"))
@example(ExactVersion("a,b"))
@example(ExactVersion("==*,<"))
def test_a_written_filter_is_read_as_it_was(wanted: VersionFilter) -> None:
    assert parse_filter(str(wanted)) == wanted


@given(stored, stored, st.sampled_from(VersionScheme))
def test_every_stored_version_can_be_named_exactly(version: str, other: str, scheme: VersionScheme) -> None:
    wanted = parse_filter(f"=={version}")

    assert wanted.matches(version, scheme)
    assert wanted.matches(other, scheme) == (other == version)


@given(st.text(max_size=40), stored)
@example(">=1,<2,", "1")
def test_any_text_is_read_or_refused(text: str, version: str) -> None:
    with suppress(VersionFilterInvalid):
        wanted = parse_filter(text)
        assert parse_filter(str(wanted)) == wanted
        assert wanted.matches(version, VersionScheme.NATURAL) in {True, False}


@given(plain, plain)
def test_comparisons_of_one_bound_divide_all_versions(version: str, bound: str) -> None:
    holds = {
        operator: parse_filter(operator + bound).matches(version, VersionScheme.NATURAL)
        for operator in (">", "<=", "<", ">=", "!=")
    }

    assert holds[">"] != holds["<="]
    assert holds["<"] != holds[">="]
    assert holds["!="] == (compare(version, bound, VersionScheme.NATURAL) is not Order.EQUAL)


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("1.4.2", "1.4.20 v1.4.2 2.0.0 1.4.2-rc1 9.9.9", "v1.4.2 1.4.2-rc1 1.4.20"),
        ("V1.4.2 ", "1.4.2+build.5 1.4.2-5-gabcdef", "1.4.2+build.5 1.4.2-5-gabcdef"),
        ("rutx_r_00.07.6", "RUTX_R_00.07.06.1 RUTM_R_00.07.06 other", "RUTX_R_00.07.06.1 RUTM_R_00.07.06"),
        ("1.4.*", "v1.4-rc1 1.40", "v1.4-rc1 1.40"),
        (">=1.4.2,<1.4.3", "1.4.1 7", "1.4.1"),
        ("1.6.1", "1.0.1 1.4.1 1.6.0", "1.6.0 1.4.1 1.0.1"),
        ("1.7.*", "1.0.0 1.1.0 1.2.0 1.3.0 1.4.0 1.5.0 1.6.0 2.0.0", "1.6.0 1.5.0 1.4.0 1.3.0 1.2.0"),
        (">=1.7", "1.6.0", "1.6.0"),
        ("1.7.*", "2.0.0 3.4", ""),
        ("2024.5.3", "2024.05.03 20240503 7", "2024.05.03 20240503"),
        ("==", "1.0.0", ""),
        ("1.0.0", "", ""),
    ],
)
def test_versions_near_a_filter_are_suggested(text: str, known: str, found: str) -> None:
    assert near(text, known.split()) == found.split()


@given(st.text(max_size=40), st.lists(stored, max_size=20))
def test_suggestions_are_few_known_and_in_one_order(text: str, known: list[str]) -> None:
    found = near(text, known)

    assert len(found) == len(set(found)) <= MAX_NEAR
    assert set(found) <= set(known)
    assert near(text, reversed(known)) == found


def test_suggestions_among_many_versions_are_the_alike_ones() -> None:
    known = [f"1.{minor}.{patch}" for minor in range(30) for patch in range(30)]

    assert near("1.29.30", known) == ["1.29.3", "1.29.0", "1.29.23", "1.29.20", "1.29.13"]


@pytest.mark.parametrize("sign", ["*", ",", "=", ">", ".*", " ", "1.", "9", "ß"])
def test_hostile_filters_of_full_length_are_read_or_refused(sign: str) -> None:
    text = (sign * MAX_FILTER_LENGTH)[:MAX_FILTER_LENGTH]
    with suppress(VersionFilterInvalid):
        assert not parse_filter(text).matches("1.0.0", VersionScheme.SEMVER)
    assert near(text, ["1.0.0"]) in ([], ["1.0.0"])
