"""What somebody else wrote is shown without commands for a terminal and without secrets."""

from __future__ import annotations

import pytest

from firmtrail_agent.validation.redact import hide_secret, one_line

PIN = "sha256/ZaqF+sbXboB0fXsi2wvpE8s58S3CV3ui3Vxbl5hDGLY="
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln-bmF0_dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Bearer {TOKEN}?", "Bearer [hidden]?"),
        (f"the token {TOKEN}", "the token [hidden]"),
        ("authorization: basic N2M5ZTY2NzktNzQyNS00MGRlLTk0NGI=", "authorization: basic [hidden]"),
        ("The answer holds no Bearer token.", "The answer holds no Bearer token."),
        ("Basic authentication is not enough", "Basic authentication is not enough"),
        (
            "pin sha256/ZaqF+sbXboB0fXsi2wvpE8s58S3CV3ui3Vxbl5hDGLY=",
            "pin sha256/ZaqF+sbXboB0fXsi2wvpE8s58S3CV3ui3Vxbl5hDGLY=",
        ),
    ],
)
def test_credentials_are_redacted_and_words_are_not(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_hidden_secret_is_redacted_also_at_a_cut() -> None:
    hide_secret("aSecretOfThisTest")

    assert one_line("you said aSecretOfThisTest", 15) == "you said [hidde"


def test_a_short_secret_is_not_redacted() -> None:
    hide_secret("main")

    assert one_line("main 1.4.2") == "main 1.4.2"


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u3164\u2800", "\U000e0100"])
def test_a_text_of_which_nothing_is_seen_becomes_an_empty_line(text: str) -> None:
    assert one_line(text) == ""
