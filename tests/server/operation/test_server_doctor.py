"""`firmtrail-server doctor` finds each planted fault, names what mends it, and shows no secret."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import pytest

from firmtrail_server.auth.signing_keys import new_signing_keys
from firmtrail_server.process.doctor import Finding, Grade, examine
from firmtrail_server.settings import SettingsReader
from tests.server.server_process import run
from tests.server.test_pooling import needs_pgbouncer, pooled

KEYS = new_signing_keys().as_text()
Found = dict[str, Finding]
Now = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def examined(database_url: str, said: Mapping[str, str] = MappingProxyType({}), now: Now = utc_now) -> Found:
    """What is found, by its subject."""
    environment = {"FIRMTRAIL_DATABASE_URL": database_url, "FIRMTRAIL_SIGNING_KEYS": KEYS, **said}
    return {finding.subject: finding for finding in examine(SettingsReader(environment), environment, now)}


def test_a_good_installation_has_nothing_to_mend(database_url: str) -> None:
    found = examined(database_url)

    assert {finding.grade for finding in found.values()} <= {Grade.OK, Grade.WARN}
    assert {"settings", "keys", "proxy", "mail", "pooler", "database", "isolation", "schema", "pool", "clock"} <= {
        *found
    }


@pytest.mark.parametrize(
    ("said", "subject", "mended_by"),
    [
        ({"FIRMTRAIL_PORT": "http"}, "settings", "FIRMTRAIL_PORT"),
        ({"FIRMTRAIL_DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/d"}, "database", "FIRMTRAIL_DATABASE_URL"),
        ({"FIRMTRAIL_SIGNING_KEYS": ""}, "keys", "firmtrail-server signing-key"),
        ({"FIRMTRAIL_TRUSTED_PROXIES": "0.0.0.0/0"}, "proxy", "Name the proxies' networks"),
        (
            {"FIRMTRAIL_SMTP_URL": "smtp+starttls://u:hidden@127.0.0.1:1", "FIRMTRAIL_SMTP_FROM": "a@example.com"},
            "mail",
            "FIRMTRAIL_SMTP_URL",
        ),
        ({"FIRMTRAIL_WORKERS": "64"}, "pool", "FIRMTRAIL_WORKERS"),
    ],
)
def test_a_faulty_setting_fails_with_what_mends_it(
    database_url: str, said: dict[str, str], subject: str, mended_by: str
) -> None:
    found = examined(database_url, said)

    assert found[subject].grade is Grade.FAIL
    assert mended_by in found[subject].text
    assert "hidden" not in "".join(finding.line for finding in found.values())


@pytest.mark.parametrize(
    ("said", "mended_by"),
    [
        ({"FIRMTRAIL_PUBLIC_URL": "https://firmtrail.example.com"}, "FIRMTRAIL_TRUSTED_PROXIES"),
        ({"FIRMTRAIL_HOST": "0.0.0.0"}, "FIRMTRAIL_PUBLIC_URL"),
    ],
)
def test_a_proxy_that_is_half_configured_is_warned_of(database_url: str, said: dict[str, str], mended_by: str) -> None:
    found = examined(database_url, said)["proxy"]

    assert (found.grade, mended_by in found.text) == (Grade.WARN, True)


def test_a_secret_file_that_others_may_read_is_warned_of(database_url: str, tmp_path: Path) -> None:
    (file := tmp_path / "keys").write_text(KEYS)
    file.chmod(0o644)
    said = {"FIRMTRAIL_SIGNING_KEYS": "", "FIRMTRAIL_SIGNING_KEYS_FILE": str(file)}

    assert "chmod 600" in examined(database_url, said)["secrets"].text
    file.chmod(0o600)
    assert "secrets" not in examined(database_url, said)


def test_a_schema_that_lacks_migrations_fails(empty_database_url: str) -> None:
    assert "firmtrail-server migrate" in examined(empty_database_url)["schema"].text


@pytest.mark.parametrize(
    ("options", "subject", "grade"),
    [
        ("-c default_transaction_read_only=on", "read-only", Grade.FAIL),
        ("-c idle_in_transaction_session_timeout=0", "idle", Grade.WARN),
    ],
)
def test_a_faulty_database_setting_is_found(database_url: str, options: str, subject: str, grade: Grade) -> None:
    found = examined(f"{database_url}&options={quote(options)}")

    assert found[subject].grade is grade
    assert "alter database" in found[subject].text


@pytest.mark.parametrize(("seconds", "grade"), [(0.0, Grade.OK), (5.0, Grade.WARN), (-300.0, Grade.FAIL)])
def test_a_clock_that_is_wrong_is_found(database_url: str, seconds: float, grade: Grade) -> None:
    found = examined(database_url, now=lambda: utc_now() + dt.timedelta(seconds=seconds))["clock"]

    assert found.grade is grade
    assert grade is Grade.OK or "NTP" in found.text


@needs_pgbouncer
def test_a_pooler_of_transactions_fails(database_url: str) -> None:
    with pooled(database_url, "transaction") as url:
        found = examined(url)["pooler"]

    assert (found.grade, "pool_mode = session" in found.text) == (Grade.FAIL, True)


def test_the_exit_code_is_1_with_a_fault_and_0_without(database_url: str, empty_database_url: str) -> None:
    ended = [run("doctor", FIRMTRAIL_DATABASE_URL=url) for url in (database_url, empty_database_url)]

    assert [one.returncode for one in ended] == [0, 1]
    assert all(line.split()[0] in {*Grade} for one in ended for line in one.stdout.splitlines())
