"""Where secret settings come from: variable, file, pipe, systemd credential, Vault."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from firmtrail_server.secret_sources import SecretSources, SecretUnreadable
from firmtrail_server.secret_sources.login import read_vault_login
from firmtrail_server.secret_sources.vault import Vault, open_vault
from firmtrail_server.settings import BadSetting, SettingsReader, read_settings
from tests.server.vault_stand_in import VaultStandIn, vault_stand_in

NAME = "FIRMTRAIL_DATABASE_PASSWORD"
REFERENCE = "vault://kv/firmtrail/db#password"


@pytest.fixture
def vault() -> Generator[VaultStandIn]:
    with vault_stand_in() as vault:
        vault.secrets["kv/firmtrail/db"] = {"password": "hidden-word", "username": "ada"}
        yield vault


def environment(vault: VaultStandIn, **more: str) -> dict[str, str]:
    return {"FIRMTRAIL_VAULT_URL": vault.url, "FIRMTRAIL_VAULT_TOKEN": vault.issue(), NAME: REFERENCE, **more}


def opened(vault: VaultStandIn, **more: str) -> Vault:
    """A reader of the stand-in that lives by its clock, logged in by its AppRole."""
    role = dict(zip(("FIRMTRAIL_VAULT_ROLE_ID", "FIRMTRAIL_VAULT_SECRET_ID"), vault.role, strict=True))
    sources = SecretSources(said := {"FIRMTRAIL_VAULT_URL": vault.url, **role, **more})
    client = open_vault(login := read_vault_login(said, sources.text))._client
    return Vault(login, client, vault.clock)


def test_a_systemd_credential_is_read_by_the_settings_name(tmp_path: Path) -> None:
    (tmp_path / "firmtrail-server.metrics-token").write_text("a-long-metrics-token\n")

    assert read_settings({"CREDENTIALS_DIRECTORY": str(tmp_path)}).metrics_token == "a-long-metrics-token"


def test_a_variable_wins_over_a_systemd_credential(tmp_path: Path) -> None:
    (tmp_path / "firmtrail-server.metrics-token").write_text("a-long-metrics-token")
    said = {"CREDENTIALS_DIRECTORY": str(tmp_path), "FIRMTRAIL_METRICS_TOKEN": "another-metrics-token"}

    assert read_settings(said).metrics_token == "another-metrics-token"


def test_a_pipe_is_read_once_and_remembered(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    threading.Thread(target=pipe.write_text, args=["a-long-metrics-token\n"]).start()
    reader = SettingsReader({"FIRMTRAIL_METRICS_TOKEN_FILE": str(pipe)})

    assert [reader.read().metrics_token for _ in range(2)] == ["a-long-metrics-token"] * 2
    assert reader.read_once == {"FIRMTRAIL_METRICS_TOKEN": "a-long-metrics-token"}


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    reader = SettingsReader({"FIRMTRAIL_METRICS_TOKEN_FILE": str(file)})
    for token in ("a-long-metrics-token", "another-metrics-token"):
        file.write_text(token)

        assert reader.read().metrics_token == token


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/d", "postgresql://u%40:p%2Fw@h/d"),
        ("postgresql://old:gone@h:5432/d?sslmode=require", "postgresql://u%40:p%2Fw@h:5432/d?sslmode=require"),
        ("postgresql://old@h1:1,h2:2/d", "postgresql://u%40:p%2Fw@h1:1,h2:2/d"),
        ("postgresql:///d?host=/run", "postgresql://u%40:p%2Fw@/d?host=/run"),
    ],
)
def test_user_and_password_take_their_place_in_the_url(url: str, expected: str) -> None:
    said = {"FIRMTRAIL_DATABASE_URL": url, "FIRMTRAIL_DATABASE_USER": "u@", NAME: "p/w"}

    assert read_settings(said).database_url == expected


def test_a_password_alone_keeps_the_user_of_the_url() -> None:
    said = {"FIRMTRAIL_DATABASE_URL": "postgresql://ada@h/d", NAME: "new"}

    assert read_settings(said).database_url == "postgresql://ada:new@h/d"


def test_a_password_without_a_database_is_refused() -> None:
    with pytest.raises(BadSetting, match="need FIRMTRAIL_DATABASE_URL"):
        read_settings({NAME: "hidden-word"})


def test_a_reference_may_stand_in_a_file(vault: VaultStandIn, tmp_path: Path) -> None:
    (tmp_path / "reference").write_text(f"{REFERENCE}\n")
    said = environment(vault) | {NAME: "", f"{NAME}_FILE": str(tmp_path / "reference")}

    assert SecretSources(said).read(NAME) == "hidden-word"


@pytest.mark.parametrize("way", ["token", "approle", "kubernetes"])
def test_each_login_of_vault_reads_the_secret(vault: VaultStandIn, tmp_path: Path, way: str) -> None:
    (tmp_path / "jwt").write_text(vault.service_account[1])
    ways = {
        "token": {"FIRMTRAIL_VAULT_TOKEN": vault.issue()},
        "approle": {"FIRMTRAIL_VAULT_ROLE_ID": vault.role[0], "FIRMTRAIL_VAULT_SECRET_ID": vault.role[1]},
        "kubernetes": {
            "FIRMTRAIL_VAULT_KUBERNETES_ROLE": vault.service_account[0],
            "FIRMTRAIL_VAULT_JWT_FILE": str(tmp_path / "jwt"),
        },
    }

    assert SecretSources({"FIRMTRAIL_VAULT_URL": vault.url, NAME: REFERENCE, **ways[way]}).read(NAME) == "hidden-word"


def test_version_1_and_2_of_kv_are_told_apart(vault: VaultStandIn) -> None:
    vault.secrets["old/db"] = {"password": "of version 1"}
    reader = opened(vault)

    assert reader.read("old/db", "password") == "of version 1"
    assert reader.read("kv/firmtrail/db", "password") == "hidden-word"


def test_a_namespace_is_sent_to_vault(vault: VaultStandIn) -> None:
    vault.namespace = "team"

    assert opened(vault, FIRMTRAIL_VAULT_NAMESPACE="team").read("kv/firmtrail/db", "password") == "hidden-word"
    with pytest.raises(SecretUnreadable):
        opened(vault).read("kv/firmtrail/db", "password")


def test_a_replaced_kv_secret_is_read_at_the_next_look(vault: VaultStandIn) -> None:
    reader = opened(vault)
    reader.read("kv/firmtrail/db", "password")
    vault.secrets["kv/firmtrail/db"] = {"password": "new", "username": "bob"}

    assert reader.read("kv/firmtrail/db", "username") == "ada", "of the same answer as the password"
    vault.now += 3
    assert reader.read("kv/firmtrail/db", "password") == "new"


def test_a_token_is_renewed_when_half_its_life_is_over(vault: VaultStandIn) -> None:
    reader = opened(vault)
    for _ in range(10):
        reader.read("kv/firmtrail/db", "password")
        due = reader.due_seconds()
        assert due is not None
        vault.now += due

    assert vault.asked.count("POST auth/approle/login") == 1
    assert vault.asked.count("POST auth/token/renew-self") == 9


def test_a_token_at_its_end_is_followed_by_a_login(vault: VaultStandIn) -> None:
    reader = opened(vault)
    reader.read("kv/firmtrail/db", "password")
    vault.now += vault.token_max_seconds

    assert reader.read("kv/firmtrail/db", "password") == "hidden-word"
    assert vault.asked.count("POST auth/approle/login") == 2


def test_a_revoked_token_is_followed_by_a_login(vault: VaultStandIn) -> None:
    reader = opened(vault)
    reader.read("kv/firmtrail/db", "password")
    vault.tokens.clear()
    vault.now += 5

    assert reader.read("kv/firmtrail/db", "password") == "hidden-word"


def test_a_token_in_a_file_is_read_anew_after_a_403(vault: VaultStandIn, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(vault.issue())
    role = {"FIRMTRAIL_VAULT_ROLE_ID": "", "FIRMTRAIL_VAULT_SECRET_ID": ""}
    reader = opened(vault, FIRMTRAIL_VAULT_TOKEN_FILE=str(file), **role)
    reader.read("kv/firmtrail/db", "password")
    vault.tokens.clear()
    file.write_text(vault.issue())
    vault.now += 5

    assert reader.read("kv/firmtrail/db", "password") == "hidden-word"


def test_a_lease_is_renewed_and_replaced_before_its_end(vault: VaultStandIn) -> None:
    vault.secrets["database/creds/firmtrail"] = {}
    reader, users = opened(vault), list[str]()
    for _ in range(8):
        user, password = (reader.read("database/creds/firmtrail", field) for field in ("username", "password"))
        assert user[2:] == password[2:], "both are of one lease"
        users.append(user)
        due = reader.due_seconds()
        assert due is not None
        assert vault.leases[next(one for one in vault.leases if one.endswith(user[2:]))].expires_at > vault.now + due
        vault.now += due

    assert len({*users}) == 2, "the lease was renewed until its maximum came near"
    assert "PUT sys/leases/renew" in vault.asked


def test_a_revoked_lease_is_replaced(vault: VaultStandIn) -> None:
    vault.secrets["database/creds/firmtrail"] = {}
    reader = opened(vault)
    first = reader.read("database/creds/firmtrail", "username")
    vault.leases.clear()
    vault.now += vault.lease_seconds / 2

    assert reader.read("database/creds/firmtrail", "username") != first


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({NAME: "vault://kv/firmtrail/db"}, "name one behind a #"),
        ({NAME: "vault://kv/firmtrail/db#pin"}, "no field 'pin'"),
        ({NAME: "vault://kv/nothing#x"}, "does not exist"),
        ({NAME: "vault://kv/deleted#x"}, "does not exist"),
        ({NAME: "vault://kv/secret#x"}, "403"),
        ({"FIRMTRAIL_VAULT_URL": ""}, "FIRMTRAIL_VAULT_URL"),
        ({"FIRMTRAIL_VAULT_URL": "http://127.0.0.1:1"}, "does not answer"),
        ({"FIRMTRAIL_VAULT_TOKEN": ""}, "set one of FIRMTRAIL_VAULT_TOKEN"),
        ({"FIRMTRAIL_VAULT_TOKEN": "hidden-token"}, "refuses the login"),
        ({"FIRMTRAIL_VAULT_ROLE_ID": "two"}, "set one of"),
        ({"FIRMTRAIL_VAULT_TOKEN": "", "FIRMTRAIL_VAULT_ROLE_ID": "wrong"}, "refuses the login"),
        ({"FIRMTRAIL_VAULT_TOKEN": "", "FIRMTRAIL_VAULT_KUBERNETES_ROLE": "x"}, "no service account token"),
    ],
)
def test_what_cannot_be_read_names_the_setting_and_no_secret(
    vault: VaultStandIn, fault: dict[str, str], said: str
) -> None:
    vault.forbidden, vault.secrets["kv/deleted"] = {"kv/secret"}, None

    with pytest.raises(SecretUnreadable, match=said) as refused:
        SecretSources(environment(vault) | fault).read(NAME)

    assert str(refused.value).startswith(f"{NAME}: vault://")
    assert "hidden" not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_a_sealed_vault_is_named(vault: VaultStandIn) -> None:
    vault.is_sealed = True

    with pytest.raises(BadSetting, match="VaultDown"):
        read_settings(environment(vault))
