"""Which proxy leads to a server: every form of NO_PROXY that curl, Go and Python's tools know."""

from __future__ import annotations

import os
import warnings

import pytest

from firmtrail.proxies import proxy_for, without_password
from tests.sdk.granting import REPORT, Report
from tests.sdk.misbehaving import MisbehavingServer

PROXY = "http://proxy.example.com:3128"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return monkeypatch


def is_direct(environment: pytest.MonkeyPatch, no_proxy: str, url: str) -> bool:
    environment.setenv("ALL_PROXY", PROXY)
    environment.setenv("NO_PROXY", no_proxy)
    with warnings.catch_warnings(action="error"):
        return proxy_for(url) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("*", "https://h"),
        ("a, *", "https://h"),
        ("example.com", "https://example.com"),
        ("example.com", "https://a.example.com"),
        (".example.com", "https://example.com"),
        (".example.com", "https://a.b.example.com"),
        ("*.example.com", "https://a.example.com"),
        ("EXAMPLE.com.", "https://Example.COM"),
        ("example.com", "https://example.com."),
        ("b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("a b\texample.com", "https://example.com"),
        ("a,,example.com,", "https://example.com"),
        ("example.com:8080", "https://example.com:8080"),
        ("example.com:443", "https://example.com"),
        ("https://example.com", "https://example.com"),
        ("all://example.com/", "http://example.com"),
        ("my_host", "http://my_host"),
        ("localhost", "http://localhost:8080"),
        ("127.0.0.0/8", "http://127.0.0.1:8080"),
        ("::ffff:10.0.0.1", "https://10.0.0.1"),
        ("[::ffff:10.0.0.0]/104", "https://10.1.2.3"),
        ("::ffff:10.0.0.1", "https://[::ffff:10.0.0.1]"),
        ("3com.example", "https://3com.example"),
        ("1-2", "https://1-2"),
        ("10.1.2.3/8", "https://10.255.0.1"),
        ("10.0.0.0/255.0.0.0", "https://10.255.0.1"),
        ("10.0.0.0/8:8080", "https://10.1.1.1:8080"),
        ("192.0.2.7", "https://192.0.2.7"),
        ("192.0.2.7:443", "https://192.0.2.7"),
        ("fd00::/8", "https://[fd12::1]"),
        ("[fd00::]/8", "https://[fd12::1]:8080"),
        ("::1", "http://[0:0::1]"),
        ("[::1]", "http://[::1]:80"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("fe80::1%eth0", "http://[fe80::1]"),
        ("10.0.0.0/8", "https://[::ffff:10.0.0.1]"),
    ],
)
def test_no_proxy_leads_past_the_proxy(environment: pytest.MonkeyPatch, no_proxy: str, url: str) -> None:
    assert is_direct(environment, no_proxy, url)


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", "https://h"),
        ("example.com", "https://notexample.com"),
        ("example.com", "https://example.com.evil"),
        ("example.com:8080", "https://example.com"),
        ("http://example.com", "https://example.com"),
        ("10.0.0.0/8", "https://11.0.0.1"),
        ("::ffff:10.0.0.0/104", "https://11.0.0.1"),
        ("::/0", "https://10.0.0.1"),
        ("10.0.0.0/8", "https://[fd00::1]"),
        ("fd00::/8", "https://10.0.0.1"),
        ("fd00::/8", "https://example.com"),
        ("[::1]:8080", "http://[::1]"),
        ("1.2.3.4", "https://x.1.2.3.4.example"),
    ],
)
def test_what_no_proxy_does_not_name_takes_the_proxy(environment: pytest.MonkeyPatch, no_proxy: str, url: str) -> None:
    assert not is_direct(environment, no_proxy, url)


@pytest.mark.parametrize(
    "entry",
    [
        "10.*",
        "10.",
        "10.0.0.1-10.0.0.9",
        "10.0.0.0/33",
        "fd00::/129",
        "10.0/8",
        "h/8",
        "<local>",
        "h:99999",
        "[::1",
        "[h]",
        "a*b",
        "/",
    ],
)
def test_a_form_of_no_proxy_that_is_unknown_is_named_and_skipped(environment: pytest.MonkeyPatch, entry: str) -> None:
    environment.setenv("ALL_PROXY", PROXY)
    environment.setenv("NO_PROXY", f"{entry},example.com")

    with pytest.warns(UserWarning, match="NO_PROXY") as warned:
        assert proxy_for("https://example.com") is None

    assert [entry in str(one.message) for one in warned] == [True]


def test_a_password_in_no_proxy_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NO_PROXY", "http://user:neverShow@h")

    with pytest.warns(UserWarning, match="NO_PROXY") as warned:
        proxy_for("https://example.com")

    assert "neverShow" not in str(warned[0].message)


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({"HTTPS_PROXY": PROXY}, "https://h", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://h", None),
        ({"HTTP_PROXY": "proxy:1"}, "http://h", "http://proxy:1"),
        ({"http_proxy": PROXY, "HTTP_PROXY": "http://other"}, "http://h", PROXY),
        ({"ALL_PROXY": PROXY}, "https://h", PROXY),
        ({}, "https://h", None),
    ],
)
def test_the_variable_of_a_scheme_names_its_proxy(
    environment: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)

    assert proxy_for(url) == proxy


def test_a_proxy_is_named_without_its_password() -> None:
    assert without_password("http://user:p@ss@proxy:3128") == "http://proxy:3128"


@pytest.mark.parametrize("no_proxy", ["localhost,fd00::/8,127.0.0.0/8", "10.*,127.0.0.1"])
async def test_a_client_goes_past_a_dead_proxy(
    environment: pytest.MonkeyPatch, misbehaving: MisbehavingServer, report: Report, no_proxy: str
) -> None:
    environment.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    environment.setenv("NO_PROXY", no_proxy)
    misbehaving.behaviours = [REPORT]

    with warnings.catch_warnings(action="ignore"):
        await report(misbehaving.url, auth="basic", attempts=1)

    assert len(misbehaving.requests) == 1
