"""AWS Secrets Manager, by botocore: `aws-secretsmanager://NAME#FIELD`, or the whole text without a field.

Credentials, region and endpoint come from where every AWS program takes them: variables, profiles, the role of a task,
a pod or a machine.
"""
# botocore has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from firmtrail_server.secret_sources.errors import SecretUnreadable
from firmtrail_server.secret_sources.fields import field_of

_TIMEOUT_SECONDS = 5
_ATTEMPTS = 3


class SecretsManager:
    """Reads the version that AWS calls current."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, path: str, field: str | None) -> str:
        text = self._text(path)
        if field is None:
            return text
        try:
            secret = json.loads(text)
        except ValueError:
            secret = None
        if not isinstance(secret, dict):
            raise SecretUnreadable("is not a JSON object, so it has no fields.")
        return field_of(secret, field)

    def due_seconds(self) -> float | None:
        return None

    def _text(self, name: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  the extra `aws`

        try:
            text = self._client.get_secret_value(SecretId=name).get("SecretString")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise SecretUnreadable(f"cannot be read: AWS Secrets Manager answered {code}.") from None
        except BotoCoreError as error:
            raise SecretUnreadable(f"cannot be read: AWS cannot be asked ({type(error).__name__}).") from None
        if not text:
            raise SecretUnreadable("holds no text (SecretString).")
        return text


def open_secrets_manager(environment: Mapping[str, str]) -> SecretsManager:
    """Make a client; nothing is asked before the first secret is read.

    Raises:
        SecretUnreadable: botocore is not installed, or its configuration cannot be used.
    """
    try:  # the extra `aws`
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415
    except ModuleNotFoundError:
        raise SecretUnreadable("needs botocore: install firmtrail-server[aws].") from None
    waits = {"connect_timeout": _TIMEOUT_SECONDS, "read_timeout": _TIMEOUT_SECONDS}
    config = Config(**waits, retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"})
    region = environment.get("AWS_REGION") or None  # which botocore itself does not read
    try:
        return SecretsManager(get_session().create_client("secretsmanager", region_name=region, config=config))
    except BotoCoreError as error:
        raise SecretUnreadable(f"cannot be read: AWS cannot be asked ({type(error).__name__}).") from None
