"""Reading a secret setting from its variable, its file, its systemd credential, or the store that these refer to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from firmtrail_server.secret_sources.aws import open_secrets_manager
from firmtrail_server.secret_sources.errors import SecretUnreadable
from firmtrail_server.secret_sources.login import read_vault_login
from firmtrail_server.secret_sources.vault import open_vault


class Store(Protocol):
    """A service that keeps secrets."""

    def read(self, path: str, field: str | None) -> str:
        """Read a secret, or one field of it.

        Raises:
            SecretUnreadable: the message is the end of a sentence that begins with the reference.
        """
        ...

    def due_seconds(self) -> float | None:
        """Say in how many seconds it must be read again, so that no login and no lease ends; None: whenever."""
        ...


_REFERENCE = re.compile(r"(?P<scheme>vault|aws-secretsmanager)://(?P<path>[^#\s]+)(?:#(?P<field>[^#\s]+))?")


class SecretSources:
    """Reads secret settings, again and again; logins and leases are kept in between."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._opened: dict[str, Store] = {}
        self._openers: Final[dict[str, Callable[[], Store]]] = {
            "vault": lambda: open_vault(read_vault_login(environment, self.text)),
            "aws-secretsmanager": lambda: open_secrets_manager(environment),
        }
        #: what came from a pipe, which gives its text once; by the variable's name
        self.read_once: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        """Read the setting that a variable is called after; None: it is set nowhere.

        Raises:
            SecretUnreadable: the message names the setting.
        """
        text = self.text(name)
        found = _REFERENCE.fullmatch(text) if text else None
        if found is None:
            return text
        try:
            return self._store(found["scheme"]).read(found["path"], found["field"])
        except SecretUnreadable as error:
            raise SecretUnreadable(f"{name}: {found[0]} {error}") from None

    def due_seconds(self) -> float | None:
        return min((due for store in self._opened.values() if (due := store.due_seconds()) is not None), default=None)

    def text(self, name: str) -> str | None:
        """Read what is set, which may be a reference to a store."""
        text, file = self._environment.get(name), self._environment.get(f"{name}_FILE")
        if text and file:
            raise SecretUnreadable(f"Set {name} or {name}_FILE, not both.")
        if text or file:
            return text or self._in_file(name, Path(file or ""), f"{name}_FILE")
        credential = self._credential(name)
        return self._in_file(name, credential, f"the systemd credential of {name}") if credential else None

    def _credential(self, name: str) -> Path | None:
        """Find what systemd was told to load: FIRMTRAIL_DATABASE_URL is firmtrail-server.database-url."""
        directory = self._environment.get("CREDENTIALS_DIRECTORY")
        if not directory:
            return None
        file = Path(directory, f"firmtrail-server.{name.removeprefix('FIRMTRAIL_').lower().replace('_', '-')}")
        return file if file.exists() else None

    def _in_file(self, name: str, file: Path, called: str) -> str | None:
        if name in self.read_once:
            return self.read_once[name]
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SecretUnreadable(f"{called} names a file that cannot be read: {file}.") from None
        if file.is_fifo():
            self.read_once[name] = text
        return text or None

    def _store(self, scheme: str) -> Store:
        if scheme not in self._opened:
            self._opened[scheme] = self._openers[scheme]()
        return self._opened[scheme]
