"""The keys that sign access tokens: read, made, kept and replaced; none of them is ever shown."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

from firmtrail_server.auth.signing_keys import BadSigningKeys, keep_signing_keys, new_signing_keys, read_signing_keys
from firmtrail_server.settings import BadSetting, read_settings
from tests.server.forging import Signer, encoded, key_set
from tests.server.server_process import run, serving

ONE, TWO = Signer("one"), Signer("two")


def jwks(**changes: Any) -> str:
    return json.dumps({"keys": [ONE.jwk | changes]})


def test_the_first_key_signs_and_all_are_published_without_their_private_halves() -> None:
    keys = read_signing_keys(key_set(TWO, ONE))

    assert keys.signing_id == "two"
    assert keys.published() == [
        {"kid": one.kid, "use": "sig", "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": one.jwk["x"]}
        for one in (TWO, ONE)
    ]


def test_a_key_without_a_kid_is_called_by_its_thumbprint() -> None:
    """The example of RFC 8037, appendix A."""
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }

    keys = read_signing_keys(json.dumps({"keys": [jwk]}))

    assert keys.signing_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_is_written_is_read_again() -> None:
    keys = new_signing_keys().with_new_key()

    assert read_signing_keys(keys.as_text()).as_text() == keys.as_text()
    assert len(keys.by_id) == 2


def test_a_new_key_goes_in_front_and_signs() -> None:
    rotated = read_signing_keys(key_set(ONE)).with_new_key()

    assert [*rotated.by_id][1:] == ["one"]
    assert rotated.signing_id != "one"


NO_KEYS = [
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"keys": []}',
    '{"keys": {}}',
    '{"keys": [null]}',
    '{"keys": [[]]}',
    "[" * 100_000,
    key_set(ONE, ONE),
    jwks(kty="oct", k="c2VjcmV0LXdvcmQ"),
    jwks(crv="Ed448"),
    jwks(crv="X25519"),
    jwks(alg="HS256"),
    jwks(d=None),
    jwks(d=""),
    jwks(d=encoded(b"x" * 31)),
    jwks(d=TWO.jwk["d"]),
    jwks(x=TWO.jwk["x"]),
    jwks(d=ONE.jwk["d"] + "="),
    jwks(kid=["one"]),
    json.dumps({"keys": [{name: value for name, value in ONE.jwk.items() if name != "d"}]}),
    ONE.key.private_bytes_raw().hex(),
]


@pytest.mark.parametrize("text", NO_KEYS, ids=[f"text{at}" for at in range(len(NO_KEYS))])
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadSigningKeys) as refused:
        read_signing_keys(text)

    said = "".join(traceback.format_exception(refused.value))
    assert not any(secret in said for secret in (ONE.jwk["d"], TWO.jwk["d"], ONE.key.private_bytes_raw().hex()))


def test_keys_are_in_no_repr() -> None:
    settings = read_settings({"FIRMTRAIL_SIGNING_KEYS": key_set(ONE)})

    assert ONE.jwk["d"] not in f"{settings!r} {settings.signing_keys!r}"


def test_a_bad_set_is_refused_by_the_name_of_its_variable() -> None:
    with pytest.raises(BadSetting, match="FIRMTRAIL_SIGNING_KEYS must be a JSON Web Key Set"):
        read_settings({"FIRMTRAIL_SIGNING_KEYS": "{}"})


def test_keys_are_kept_in_a_file_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "signing-keys.json"

    first, again = keep_signing_keys(file), keep_signing_keys(file)

    assert first.as_text() == again.as_text() == file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [file]


def test_servers_that_start_at_once_end_up_with_the_same_key(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from firmtrail_server.auth.signing_keys import keep_signing_keys; "
        "sys.stdin.readline(); print(keep_signing_keys(pathlib.Path(sys.argv[1])).signing_id)"
    )
    command = [sys.executable, "-c", program, tmp_path / "keys"]
    starters = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    outputs = [starter.communicate("\n", timeout=60)[0] for starter in starters]

    assert {*outputs} == {f"{keep_signing_keys(tmp_path / 'keys').signing_id}\n"}
    assert [*tmp_path.iterdir()] == [tmp_path / "keys"]


def test_of_two_that_write_at_once_the_faster_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    faster = new_signing_keys().as_text()

    def exists(_: Path) -> bool:
        file.write_text(faster)  # just after this one has looked
        return False

    monkeypatch.setattr(Path, "exists", exists)

    assert keep_signing_keys(file).as_text() == faster
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", key_set(ONE).encode()[:-20]])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "signing-keys.json"
    file.write_bytes(content)

    with pytest.raises(BadSigningKeys, match=r"signing-keys\.json is damaged") as refused:
        keep_signing_keys(file)

    assert file.read_bytes() == content
    assert ONE.jwk["d"] not in str(refused.value)


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSigningKeys, match=r"nowhere/keys cannot be kept: No such file or directory\."):
        keep_signing_keys(tmp_path / "nowhere" / "keys")


def test_the_command_prints_a_new_set_and_rotates_an_old_one(tmp_path: Path) -> None:
    made = run("signing-key")
    (tmp_path / "old").write_text(made.stdout)
    rotated = run("signing-key", "--rotate", str(tmp_path / "old"))

    (old,) = read_signing_keys(made.stdout).by_id
    assert [*read_signing_keys(rotated.stdout).by_id][1:] == [old]


def test_a_new_set_can_be_made_before_the_file_that_will_hold_it() -> None:
    assert run("signing-key", FIRMTRAIL_SIGNING_KEYS_FILE="/nowhere/at/all").returncode == 0


def test_a_file_that_cannot_be_rotated_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    nowhere, empty = (run("signing-key", "--rotate", str(tmp_path / name)) for name in ("nowhere", "empty"))

    assert (nowhere.returncode, nowhere.stdout, empty.returncode, empty.stdout) == (78, "", 78, "")
    assert "nowhere cannot be read: No such file or directory." in nowhere.stderr
    assert "empty must be a JSON Web Key Set" in empty.stderr


def test_a_configured_database_without_keys_stops_the_start_with_one_sentence(database_url: str) -> None:
    refused = run("serve", FIRMTRAIL_DATABASE_URL=database_url, FIRMTRAIL_SIGNING_KEYS="")

    assert refused.returncode == 78
    assert refused.stderr.count("\n") == 1
    assert "FIRMTRAIL_SIGNING_KEYS_FILE" in refused.stderr
    assert "firmtrail-server signing-key > FILE" in refused.stderr


def test_migrating_needs_no_keys(database_url: str) -> None:
    assert run("migrate", FIRMTRAIL_DATABASE_URL=database_url).returncode == 0


def test_servers_with_the_same_keys_and_url_take_each_others_tokens(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(key_set(ONE))
    settings = {
        "FIRMTRAIL_DATABASE_URL": database_url,
        "FIRMTRAIL_SIGNING_KEYS_FILE": str(tmp_path / "keys"),
        "FIRMTRAIL_PUBLIC_URL": "https://firmtrail.example.com/",
        "FIRMTRAIL_SEED_ENABLED": "true",
    }

    with serving(**settings) as first, serving(**settings) as second:
        seed = httpx.post(f"{first}/v1/seed").json()
        key = (seed["project_api_key"]["id"], seed["project_api_key"]["secret"])
        granted = httpx.post(f"{first}/v1/oauth/token", auth=key, data={"grant_type": "client_credentials"}).json()
        path = f"/v1/devices/{seed['device']['id']}/firmware_version"
        answer = httpx.get(second + path, headers={"Authorization": f"Bearer {granted['access_token']}"})

    assert answer.status_code == 200
