"""Settings: read once, and a bad one stops the start with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_server.settings import BadSetting, Settings, read_settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_settings({"FIRMTRAIL_PORT": ""}) == Settings()


def test_a_database_url_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://u:hidden-word@h/d\n")

    settings = read_settings({"FIRMTRAIL_DATABASE_URL_FILE": str(file)})

    assert settings.database_url == "postgresql://u:hidden-word@h/d"
    assert "hidden-word" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIRMTRAIL_PORT", "http"),
        ("FIRMTRAIL_PORT", "65536"),
        ("FIRMTRAIL_PORT", "-1"),
        ("FIRMTRAIL_WORKERS", "0"),
        ("FIRMTRAIL_WORKERS", "65"),
        ("FIRMTRAIL_LOG_FORMAT", "xml"),
        ("FIRMTRAIL_METRICS_TOKEN", "short"),
        ("FIRMTRAIL_METRICS_TOKEN", "long, but with spaces"),
        ("FIRMTRAIL_SEED_ENABLED", "perhaps"),
        ("FIRMTRAIL_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("FIRMTRAIL_DATABASE_URL", "mysql://h/d"),
        ("FIRMTRAIL_DATABASE_URL", "postgresql://u:hidden%zzword@h/d"),
        ("FIRMTRAIL_DATABASE_URL_FILE", "/nowhere/at/all"),
        ("FIRMTRAIL_SIGNING_KEYS", "hidden"),
        ("FIRMTRAIL_SIGNING_KEYS_FILE", "/nowhere/at/all"),
        ("FIRMTRAIL_TOKEN_SECONDS", "59"),
        ("FIRMTRAIL_TOKEN_SECONDS", "86401"),
        ("FIRMTRAIL_TOKEN_SECONDS", "9" * 5000),
        ("FIRMTRAIL_TOKEN_SECONDS", "15m"),
        ("FIRMTRAIL_DEVICE_TOKEN_SECONDS", "86401"),
        ("FIRMTRAIL_PUBLIC_URL", "firmtrail.example.com"),
        ("FIRMTRAIL_PUBLIC_URL", "ftp://firmtrail.example.com"),
        ("FIRMTRAIL_PUBLIC_URL", "https://"),
        ("FIRMTRAIL_PUBLIC_URL", "https://h:port"),
        ("FIRMTRAIL_PUBLIC_URL", "https://u:hidden@h"),
        ("FIRMTRAIL_PUBLIC_URL", "https://h/?x=1"),
        ("FIRMTRAIL_PUBLIC_URL", "https://h/#x"),
        ("FIRMTRAIL_PUBLIC_URL", "https://h/a b"),
    ],
)
def test_a_bad_value_is_refused_by_its_name_and_a_url_not_repeated(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name) as refused:
        read_settings({name: value})

    assert "hidden" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}"


@pytest.mark.parametrize("name", ["FIRMTRAIL_DATABASE_URL", "FIRMTRAIL_SIGNING_KEYS"])
def test_two_sources_of_one_secret_are_refused(name: str) -> None:
    with pytest.raises(BadSetting, match=f"{name} or {name}_FILE, not both"):
        read_settings({name: "postgresql://h/d", f"{name}_FILE": "f"})


@pytest.mark.parametrize(
    ("environment", "issuer"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"FIRMTRAIL_HOST": "::1", "FIRMTRAIL_PORT": "80"}, "http://[::1]:80"),
        ({"FIRMTRAIL_PUBLIC_URL": "https://firmtrail.example.com/"}, "https://firmtrail.example.com"),
        ({"FIRMTRAIL_PUBLIC_URL": "http://h:8080/api"}, "http://h:8080/api"),
    ],
)
def test_the_issuer_is_the_public_url_or_where_the_server_listens(environment: dict[str, str], issuer: str) -> None:
    assert read_settings(environment).issuer == issuer
