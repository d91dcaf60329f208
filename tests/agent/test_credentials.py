"""Where the API key may lie, and what it may look like there."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from firmtrail_agent.config.credentials import NAME, CredentialRefused, load
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity
from tests.agent.support.device import API_KEY, DEVICE_ID, SECRET, Device
from tests.agent.support.report_server import ReportServer


def key_file(path: Path, content: str | bytes = f"{API_KEY}\n", mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_file_for_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path / "key", mode=mode)

    assert load(file, {}).api_key == API_KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_file_that_others_may_touch_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path / "key", mode=mode)

    with pytest.raises(CredentialRefused, match=f"Run: chmod 600 {file}"):
        load(file, {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_by_enrollment_that_others_may_touch_is_refused_with_the_command_that_helps(
    tmp_path: Path, mode: int
) -> None:
    file = identity.file_in(tmp_path)
    identity.write(file, Identity(device_id=uuid.UUID(DEVICE_ID), api_key=API_KEY))
    assert load(None, {}, identity_file=file).api_key == API_KEY
    file.chmod(mode)

    with pytest.raises(CredentialRefused, match=f"Run: chmod 600 {file}"):
        load(None, {}, identity_file=file)


async def test_a_device_whose_own_key_others_may_touch_reports_nothing(device: Device, server: ReportServer) -> None:
    device.write("/etc/firmtrail-agent/config.toml", f'server.url = "{server.url}"\n')
    file = identity.file_in(device.root / "var/lib/firmtrail-agent")
    identity.write(file, Identity(device_id=uuid.UUID(DEVICE_ID), api_key=API_KEY))
    file.chmod(0o666)

    for command in ("report", "run", "rotate-key", "enroll --fingerprint x", "check-config"):
        refused = await device.run(*command.split())
        assert (refused.code, f"Run: chmod 600 {file}" in refused.stdout + refused.stderr) == (77, True)

    assert server.received == []


def test_the_credentials_directory_comes_first_and_its_modes_are_systemds_affair(tmp_path: Path) -> None:
    key_file(tmp_path / "credentials" / NAME, mode=0o444)
    other = key_file(tmp_path / "key", "other:key")

    assert load(other, {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}).api_key == API_KEY


def test_without_such_a_credential_the_configured_file_is_read(tmp_path: Path) -> None:
    file = key_file(tmp_path / "key")

    assert load(file, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).file == file


def test_a_broken_credential_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    key_file(tmp_path / "credentials" / NAME, "no key")
    other = key_file(tmp_path / "key")

    with pytest.raises(CredentialRefused, match="must hold one line"):
        load(other, {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})


def test_no_key_at_all_is_refused_with_both_places() -> None:
    with pytest.raises(CredentialRefused, match=f"systemd credential {NAME}, or name its file in device.key_file"):
        load(None, {})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialRefused, match="There is no"):
        load(tmp_path / "key", {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b":",
        b"id:",
        f":{SECRET}",
        SECRET,
        f"id {SECRET}",
        f"{API_KEY}\n{API_KEY}",
        f"id:\x00{SECRET}",
        API_KEY.encode("utf-16"),
        f"id:{SECRET} x",
        f"id:{SECRET}ü",
        b"\xff\xfe",
        f"{API_KEY}\n".ljust(5000),
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(tmp_path: Path, content: str | bytes) -> None:
    file = key_file(tmp_path / "key", content)

    with pytest.raises(CredentialRefused, match='must hold one line, "<key id>:<secret>"') as caught:
        load(file, {})

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "content", [API_KEY, f"{API_KEY}\n", f"{API_KEY}\r\n", f"\ufeff{API_KEY}\r\n", f"\u00a0{API_KEY}\0"]
)
def test_what_an_editor_puts_before_and_after_a_key_does_not_matter(tmp_path: Path, content: str) -> None:
    assert load(key_file(tmp_path / "key", content), {}).api_key == API_KEY


def test_a_directory_or_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")

    for name in ("directory", "pipe"):
        with pytest.raises(CredentialRefused, match="is not a regular file"):
            load(tmp_path / name, {})


def test_a_credential_does_not_show_its_secret(tmp_path: Path) -> None:
    assert SECRET not in repr(load(key_file(tmp_path / "key"), {}))
