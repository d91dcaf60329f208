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
        ("FIRMTRAIL_SEED_ENABLED", "perhaps"),
        ("FIRMTRAIL_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("FIRMTRAIL_DATABASE_URL", "mysql://h/d"),
        ("FIRMTRAIL_DATABASE_URL", "postgresql://u:hidden%zzword@h/d"),
        ("FIRMTRAIL_DATABASE_URL_FILE", "/nowhere/at/all"),
    ],
)
def test_a_bad_value_is_refused_by_its_name_and_a_url_not_repeated(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name) as refused:
        read_settings({name: value})

    assert "hidden" not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}"


def test_two_sources_of_one_url_are_refused() -> None:
    with pytest.raises(BadSetting, match="not both"):
        read_settings({"FIRMTRAIL_DATABASE_URL": "postgresql://h/d", "FIRMTRAIL_DATABASE_URL_FILE": "f"})
