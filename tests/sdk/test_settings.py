"""Where a client finds its server and its key, and what it refuses."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from firmtrail import ApiKey, Client, ConfigError, CredentialsError, FirmtrailError, Login
from firmtrail._settings import Settings, read_settings
from firmtrail._tokens import token_call
from firmtrail.credentials import Token

URL = "https://firmtrail.example.com"
SECRET = "ftp_hidden-word"
KEY = f"some-id:{SECRET}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("FIRMTRAIL_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write_profiles(home: Path, text: str, mode: int = 0o600) -> Path:
    file = home / ".config/firmtrail/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def secret_of(settings: Settings) -> str | None:
    return settings.credential.secret if isinstance(settings.credential, ApiKey) else None


def test_an_argument_wins_over_the_environment() -> None:
    environment = {"FIRMTRAIL_URL": "http://other", "FIRMTRAIL_API_KEY": "id:other"}

    found = read_settings(URL, ApiKey.parse(KEY), environment)

    assert (found.url, secret_of(found)) == (URL, SECRET)


def test_the_environment_wins_over_the_profile(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "http://other"\napi_key = "{KEY}"\n')

    found = read_settings(None, None, {"FIRMTRAIL_URL": URL, "FIRMTRAIL_API_KEY": "id:mine"})

    assert (found.url, secret_of(found)) == (URL, "mine")


def test_the_environment_may_name_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    (tmp_path / "key").write_text(f"{KEY}\n")

    found = read_settings(
        None, None, {"FIRMTRAIL_URL_FILE": str(tmp_path / "url"), "FIRMTRAIL_API_KEY_FILE": str(tmp_path / "key")}
    )

    assert (found.url, secret_of(found)) == (URL, SECRET)


def test_the_profile_called_default_is_the_last_source(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\napi_key = "{KEY}"\n')

    found = read_settings(None, None, {})

    assert (found.url, secret_of(found)) == (URL, SECRET)


def test_another_profile_can_be_chosen_and_keep_its_key_in_a_file(home: Path) -> None:
    (home / "key").write_text(KEY)
    write_profiles(home, f'[profiles.work]\nurl = "{URL}"\napi_key_file = "~/key"\n')

    found = read_settings(None, None, {"FIRMTRAIL_PROFILE": "work"})

    assert secret_of(found) == SECRET


def test_the_key_of_a_profile_is_not_sent_to_another_server(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\napi_key = "{KEY}"\n')

    assert read_settings("http://127.0.0.1", None, {}).credential is None


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}:443"])
@pytest.mark.parametrize("is_variable", [True, False])
def test_the_key_of_a_profile_is_used_when_its_server_is_named(home: Path, url: str, is_variable: bool) -> None:  # noqa: FBT001
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\napi_key = "{KEY}"\n')

    found = read_settings(None, None, {"FIRMTRAIL_URL": url}) if is_variable else read_settings(url, None, {})

    assert secret_of(found) == SECRET
    assert found.sources["credential"] == "profile"


@pytest.mark.parametrize("url", [f"{URL}/eu", f"{URL}:8443", "http://firmtrail.example.com", f"{URL}.evil.example"])
def test_a_server_that_only_looks_like_the_profiles_gets_no_key(home: Path, url: str) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\napi_key = "{KEY}"\n')

    assert read_settings(url, None, {}).credential is None


def test_a_profile_that_an_argument_names_counts_before_the_environment(home: Path) -> None:
    write_profiles(home, f'[profiles.work]\nurl = "{URL}"\napi_key = "{KEY}"\nauth = "basic"\n')
    environment = {"FIRMTRAIL_URL": "http://other", "FIRMTRAIL_API_KEY": "id:other", "FIRMTRAIL_AUTH": "token"}

    found = read_settings(None, None, environment, profile="work")

    assert (found.url, secret_of(found), found.auth) == (URL, SECRET, "basic")
    with pytest.raises(ConfigError, match="'play'"):
        read_settings(None, None, environment, profile="play")


def test_a_profile_is_not_read_where_server_and_key_are_given(home: Path) -> None:
    write_profiles(home, "no TOML", 0o644)

    assert secret_of(read_settings(URL, ApiKey.parse(KEY), {})) == SECRET


def test_a_ca_file_is_taken_from_the_argument_else_the_environment_else_the_profile(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\nca_file = "~/profile.pem"\n')
    environment = {"FIRMTRAIL_CA_FILE": "/environment.pem"}

    found = [
        read_settings(None, None, environment, ca_file="/argument.pem"),
        read_settings(None, None, environment),
        read_settings(None, None, {}),
    ]

    assert [settings.ca_file for settings in found] == [
        Path("/argument.pem"),
        Path("/environment.pem"),
        home / "profile.pem",
    ]


def test_the_ca_file_of_a_profile_is_not_trusted_for_another_server(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\nca_file = "~/profile.pem"\n')

    assert read_settings("https://127.0.0.1", None, {}).ca_file is None


def test_an_empty_variable_counts_as_unset() -> None:
    names = ["FIRMTRAIL_API_KEY", "FIRMTRAIL_API_KEY_FILE", "FIRMTRAIL_ACCESS_TOKEN", "FIRMTRAIL_CA_FILE"]
    empty = dict.fromkeys(names, "")

    assert read_settings(URL, None, empty) == Settings(url=URL, credential=None)


def test_calls_carry_an_access_token_unless_the_key_itself_is_asked_for(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\nauth = "basic"\n')

    assert read_settings("http://127.0.0.1", None, {}).auth == "token"
    assert read_settings(None, None, {}).auth == "basic"
    assert read_settings(None, None, {"FIRMTRAIL_AUTH": "token"}).auth == "token"
    assert read_settings(URL, None, {"FIRMTRAIL_AUTH": "basic"}).auth == "basic"
    assert read_settings(URL, None, {"FIRMTRAIL_AUTH": "basic"}, auth="token").auth == "token"


@pytest.mark.parametrize(("auth", "variable"), [("Basic", ""), (None, "bearer")])
def test_another_way_to_authenticate_is_refused(auth: str | None, variable: str) -> None:
    with pytest.raises(ConfigError, match=r"(auth|FIRMTRAIL_AUTH) must be token or basic"):
        read_settings(URL, None, {"FIRMTRAIL_AUTH": variable}, auth=auth)


@pytest.mark.parametrize("name", ["FIRMTRAIL_URL", "FIRMTRAIL_API_KEY"])
def test_a_variable_and_its_file_are_not_set_both(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} or {name}_FILE, not both"):
        read_settings(None, None, {"FIRMTRAIL_URL": URL, name: KEY, f"{name}_FILE": "/nowhere"})


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"FIRMTRAIL_API_KEY_FILE.*/nowhere"):
        read_settings(URL, None, {"FIRMTRAIL_API_KEY_FILE": "/nowhere"})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_profile_file_open_to_others_is_refused_with_the_command_to_run(home: Path, mode: int) -> None:
    file = write_profiles(home, f'[profiles.default]\nurl = "{URL}"\n', mode)

    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        read_settings(None, None, {})


def test_no_server_at_all_is_said_with_the_three_ways_to_name_one() -> None:
    with pytest.raises(ConfigError, match=r"url=.*FIRMTRAIL_URL.*config\.toml"):
        read_settings(None, None, {})


@pytest.mark.parametrize(
    "text",
    [
        "profiles = 3",
        "[profiles]\ndefault = 3",
        f'[profiles.default]\nurl = "{URL}"\nport = 3',
        f'[profiles.default]\nurl = "{URL}"\nsecret = "{SECRET}"',
        f'[profiles.default]\nurl = "{URL}"\napi_key = "{SECRET}"',
        f'[profiles.default]\nurl = "{URL}"\nauth = "{SECRET}"',
        f'[profiles.default]\nurl = "{URL}"\napi_key = "{KEY}"\napi_key_file = "x"',
        f'[profiles.default]\nurl = "{URL}"\napi_key = "{KEY}',
        f'url = "{URL}"',
    ],
)
def test_a_profile_file_that_is_wrong_is_refused_without_showing_a_key(home: Path, text: str) -> None:
    write_profiles(home, text)

    with pytest.raises(FirmtrailError) as refused:
        read_settings(None, None, {})

    assert SECRET not in str(refused.value)


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do(home: Path) -> None:
    write_profiles(home, f'[profiles.work]\nurl = "{URL}"\n')

    with pytest.raises(ConfigError, match="work"):
        read_settings(None, None, {"FIRMTRAIL_PROFILE": "play"})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "firmtrail.example.com",
        "ftp://firmtrail.example.com",
        "https://",
        "https://host:99999",
        "https://host/?page=1",
        "https://host/#top",
        "https://host/a b",
        "https://[::1",
        "https://host\n",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        Client(url)


@pytest.mark.parametrize("text", [SECRET, f":{SECRET}", "id:", "id: two words", f"{SECRET}\nid:x", "a b:c"])
def test_what_is_no_api_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(CredentialsError) as refused:
        Client(URL, api_key=text)

    assert SECRET not in str(refused.value)


def test_an_api_key_hides_its_secret() -> None:
    key = ApiKey(id=uuid.UUID(int=7), secret=SECRET)

    assert repr(key) == "ApiKey(id='00000000-0000-0000-0000-000000000007')"


@pytest.mark.parametrize("timeout", [None, 0, -1, float("inf"), float("nan"), "30"])
def test_a_timeout_is_an_end(timeout: float) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        Client(URL, timeout=timeout)


@pytest.mark.parametrize("attempts", [None, 0, -1, 1.0, True, "3"])
def test_a_number_of_attempts_is_a_number(attempts: int) -> None:
    with pytest.raises(ConfigError, match="attempts"):
        Client(URL, attempts=attempts)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "SSL_CERT_FILE"])
def test_an_environment_that_no_connection_can_be_made_with_is_a_config_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"nothing://user:{SECRET}@host")

    with pytest.raises(ConfigError, match=name) as refused:
        Client(URL)

    assert SECRET not in str(refused.value)


def test_an_access_token_comes_from_the_environment_or_the_profile(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\naccess_token = "of.the.profile"\n')

    assert read_settings(None, None, {}).credential == Token(value="of.the.profile")
    assert read_settings(None, None, {"FIRMTRAIL_ACCESS_TOKEN": "a.b.c"}).credential == Token(value="a.b.c")


@pytest.mark.parametrize(
    "credentials",
    [
        {"api_key": KEY, "access_token": "a.b.c"},
        {"api_key": KEY, "login": Login(email="ada@example.com", password=SECRET)},
    ],
)
def test_a_client_has_one_credential(credentials: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="one of api_key, login and access_token"):
        Client(URL, **credentials)


def test_two_credentials_in_the_environment_or_a_profile_contradict_each_other(home: Path) -> None:
    write_profiles(home, f'[profiles.default]\nurl = "{URL}"\naccess_token = "a.b.c"\napi_key = "{KEY}"\n')

    with pytest.raises(ConfigError, match="not both"):
        read_settings(URL, None, {"FIRMTRAIL_ACCESS_TOKEN": "a.b.c", "FIRMTRAIL_API_KEY": KEY})
    with pytest.raises(ConfigError, match="api_key and access_token"):
        read_settings(None, None, {})


def test_no_secret_of_a_credential_is_shown() -> None:
    with pytest.raises(CredentialsError) as refused:
        Client(URL, access_token=f"{SECRET} with a space")

    login = Login(email="ada@example.com", password=SECRET)
    assert SECRET not in f"{login!r} {Token(value=SECRET)!r} {token_call(login)!r} {refused.value}"
