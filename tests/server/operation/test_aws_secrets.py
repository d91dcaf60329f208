"""AWS Secrets Manager, as moto's server speaks it in a process of its own."""

# botocore has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest
from botocore.session import get_session

from firmtrail_server.secret_sources import SecretSources, SecretUnreadable
from firmtrail_server.settings import read_settings

NAME = "FIRMTRAIL_DATABASE_PASSWORD"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


@pytest.fixture(scope="module")
def moto_url() -> Generator[str]:
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as server:
        assert server.stderr is not None
        yield next(found[1] for line in server.stderr if (found := _RUNNING.search(line)))
        server.terminate()


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the same server, by the same variables as the one under test."""
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": moto_url}.items():
        monkeypatch.setenv(name, value)
    client = get_session().create_client("secretsmanager")
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
    return client


def read(reference: str) -> str | None:
    return SecretSources({NAME: reference}).read(NAME)


def test_a_field_of_a_json_secret_is_read_by_name_or_arn(aws: Any) -> None:
    made = aws.create_secret(Name="rds!db-1", SecretString=json.dumps({"username": "ada", "password": "hidden-word"}))

    assert read("aws-secretsmanager://rds!db-1#password") == "hidden-word"
    assert read(f"aws-secretsmanager://{made['ARN']}#username") == "ada"


def test_a_whole_text_needs_no_field(aws: Any) -> None:
    aws.create_secret(Name="firmtrail/url", SecretString="postgresql://ada:hidden-word@h/d")

    assert (
        read_settings({"FIRMTRAIL_DATABASE_URL": "aws-secretsmanager://firmtrail/url"}).database_url
        == "postgresql://ada:hidden-word@h/d"
    )


def test_a_rotated_secret_is_read_at_the_next_look(aws: Any) -> None:
    aws.create_secret(Name="db", SecretString='{"password": "old"}')
    sources = SecretSources({NAME: "aws-secretsmanager://db#password"})
    before = sources.read(NAME)
    aws.put_secret_value(SecretId="db", SecretString='{"password": "new"}')

    assert (before, sources.read(NAME)) == ("old", "new")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("aws-secretsmanager://nothing#x", "ResourceNotFoundException"),
        ("aws-secretsmanager://text#x", "not a JSON object"),
        ("aws-secretsmanager://json#x", "no field 'x'"),
        ("aws-secretsmanager://binary", "holds no text"),
    ],
)
def test_what_cannot_be_read_names_the_setting_and_no_secret(aws: Any, reference: str, said: str) -> None:
    aws.create_secret(Name="text", SecretString="hidden")
    aws.create_secret(Name="json", SecretString='{"a": "hidden", "b": 1}')
    aws.create_secret(Name="binary", SecretBinary=b"hidden")

    with pytest.raises(SecretUnreadable, match=said) as refused:
        read(reference)

    assert str(refused.value).startswith(f"{NAME}: aws-secretsmanager://")
    assert "hidden" not in f"{refused.value!r} {refused.value.__cause__!r}"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "EndpointConnectionError"),
        ({"AWS_DEFAULT_REGION": None}, "NoRegionError"),
    ],
)
def test_an_aws_that_cannot_be_asked_is_named(
    aws: Any, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)

    with pytest.raises(SecretUnreadable, match=said):
        read("aws-secretsmanager://db")
