"""Errors that a command shows name options and variables, and nothing of Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.misbehaving import MisbehavingServer, answering
from tests.sdk.shell import Shell

SOURCE = Path(__file__).parents[2] / "packages/sdk/src/firmtrail"
#: arguments, calls, types and JSON Pointers
PYTHON = re.compile(r"\w=\.\.\.|\b(api_key|login|access_token|auth|ca_file|url)=|client\.|datetime|\bNone\b|\s/\w+ ")
RAISED = {"ConfigError", "CredentialsError", "UsageError"}
KEY_ID = "018f6a52-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("command", "environment", "said"),
    [
        ("whoami", {"FIRMTRAIL_URL": "", "FIRMTRAIL_API_KEY": ""}, "--url"),
        ("whoami", {"FIRMTRAIL_API_KEY": ""}, "FIRMTRAIL_API_KEY"),
        ("whoami", {"FIRMTRAIL_API_KEY": "no colon"}, "FIRMTRAIL_API_KEY"),
        ("whoami", {"FIRMTRAIL_AUTH": "bearer"}, "FIRMTRAIL_AUTH"),
        ("whoami", {"FIRMTRAIL_ACCESS_TOKEN": "a.b.c"}, "FIRMTRAIL_ACCESS_TOKEN"),
        ("whoami", {"FIRMTRAIL_URL": "https://id:secret@host"}, "FIRMTRAIL_URL"),
        ("whoami --url firmtrail.example.com", {}, "--url must be a URL"),
        ("whoami --url https://id:secret@host", {}, "--url holds credentials"),
        ("whoami --profile play", {}, "--profile"),
        ("whoami", {"FIRMTRAIL_CA_FILE": "/no/where"}, "FIRMTRAIL_CA_FILE"),
        ("whoami --url http://127.0.0.1:9", {}, "Cannot reach"),
        ("api-keys create owner", {}, "ROLE"),
        ("api-keys rotate no-id", {}, "KEY_ID"),
        (f"device-api-keys rotate {KEY_ID} no-id", {}, "KEY_ID"),
        ("devices create x --label site=a,b", {}, "--label"),
        ("devices create x --fingerprint ''", {}, "--fingerprint"),
        ("devices list --labels =x", {}, "--labels"),
        ("devices list --limit -1", {}, "--limit"),
        ("devices import /no/where", {}, "/no/where cannot be read"),
        ("desired-versions end no-id --yes", {}, "ID must be a UUID"),
        ("audit-events list --action x.y", {}, "--action"),
        ("audit-events list --actor no-id", {}, "--actor"),
        ("enrollment-keys create --expires 2h --max-uses 0", {}, "--max-uses"),
        ("enrollment-keys create --expires 1999-01-01 --max-uses 1", {}, "--expires"),
    ],
)
async def test_an_error_names_what_was_typed(
    keyed: Shell, command: str, environment: dict[str, str], said: str
) -> None:
    for name, value in environment.items():
        keyed.monkeypatch.setenv(name, value)

    errors = await keyed.fails(*(word.strip("'") for word in command.split()))

    assert said in errors
    assert not PYTHON.search(errors), errors


async def test_a_server_without_tokens_is_answered_with_a_variable(
    keyed: Shell, misbehaving: MisbehavingServer
) -> None:
    problem = '{"code": "not_found", "title": "x", "status": 404, "detail": "y", "request_id": "z"}'
    misbehaving.behaviours = [answering(404, problem)]

    errors = await keyed.fails("whoami", "--url", misbehaving.url)

    assert "Set FIRMTRAIL_AUTH=basic" in errors
    assert not PYTHON.search(errors)


def raised() -> Iterator[str]:
    """Every message of the SDK that is about settings or credentials and has no words for the shell."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in RAISED:
                yield ast.unparse(node.args[0])


#: they take an argument of Python to happen, which no command passes
NOT_OF_THE_COMMAND = {
    "Pass one of api_key, login and access_token.",
    "project must be the id of a project, a UUID: see client.projects.list().",
    "An access token gives no other one: make the client with api_key=... or login=...",
    "Pass ssl_context, or ca_file and client_cert: a context holds what they would add.",
}


def test_every_message_that_names_python_has_words_for_the_shell() -> None:
    messages = {text.strip("\"'") for text in raised()}

    assert len(messages) > 20
    assert {text for text in messages if PYTHON.search(text)} <= NOT_OF_THE_COMMAND
    assert messages >= NOT_OF_THE_COMMAND
