"""A stand-in for Vault and OpenBao, written from their HTTP API documentation, strict where they are.

A token is asked for everywhere but at a login, lives as long as the answer said, and is renewed up to a maximum;
so is a lease. A path that no policy names is 403. The clock is the test's.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs


class Refused(Exception):
    """A status, and what Vault says with it."""

    def __init__(self, status: HTTPStatus, *errors: str) -> None:
        self.status, self.errors = status, errors


@attrs.define
class Life:
    """Of a token or a lease: when it ends, and when at the latest."""

    expires_at: float
    latest: float
    seconds: float
    is_renewable: bool = True

    def renew(self, now: float) -> float:
        if not self.is_renewable:
            raise Refused(HTTPStatus.BAD_REQUEST, "lease is not renewable")
        self.expires_at = min(now + self.seconds, self.latest)
        return self.expires_at - now


@attrs.define
class VaultStandIn:
    """What it knows, and what it was asked."""

    url: str = ""
    now: float = 1_000.0
    namespace: str = ""
    is_sealed: bool = False
    #: by mount: the engine's type and options
    mounts: dict[str, dict[str, Any]] = attrs.field(
        factory=lambda: {
            "kv/": {"type": "kv", "options": {"version": "2"}},
            "old/": {"type": "kv", "options": {"version": "1"}},
            "database/": {"type": "database", "options": None},
        }
    )
    #: by path, as `vault kv put` names it; None: its newest version is deleted
    secrets: dict[str, dict[str, Any] | None] = attrs.field(factory=dict[str, "dict[str, Any] | None"])
    #: paths that no policy lets anybody read
    forbidden: set[str] = attrs.field(factory=set[str])
    tokens: dict[str, Life] = attrs.field(factory=dict[str, Life])
    leases: dict[str, Life] = attrs.field(factory=dict[str, Life])
    token_seconds: float = 600.0
    token_max_seconds: float = 10_000.0
    lease_seconds: float = 600.0
    lease_max_seconds: float = 1_500.0
    role: tuple[str, str] = ("a-role", "a-secret-id")
    service_account: tuple[str, str] = ("firmtrail", "a-jwt")
    asked: list[str] = attrs.field(factory=list[str])

    def clock(self) -> float:
        return self.now

    def issue(self) -> str:
        token = f"hvs.{uuid.uuid4().hex}"
        self.tokens[token] = Life(self.now + self.token_seconds, self.now + self.token_max_seconds, self.token_seconds)
        return token

    def answer(self, method: str, path: str, token: str | None, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(f"{method} {path}")
        if self.is_sealed:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Vault is sealed")
        if namespace != self.namespace:
            raise Refused(HTTPStatus.NOT_FOUND, "no handler for route")
        logins = {"POST auth/approle/login": self._approle, "POST auth/kubernetes/login": self._kubernetes}
        if login := logins.get(self.asked[-1]):
            return login(body)
        life = self._checked(token)
        match method, path:
            case "GET", "auth/token/lookup-self":
                return {"data": {"ttl": int(life.expires_at - self.now), "renewable": life.is_renewable}}
            case "POST", "auth/token/renew-self":
                return self._auth(token or "", life.renew(self.now))
            case "PUT", "sys/leases/renew":
                return self._renewed(body["lease_id"])
            case "GET", _ if path.startswith("sys/internal/ui/mounts/"):
                return self._mount_of(path.removeprefix("sys/internal/ui/mounts/"))
            case "GET", _:
                return self._read(path)
            case _:
                raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "unsupported operation")

    def _checked(self, token: str | None) -> Life:
        if not token:
            raise Refused(HTTPStatus.BAD_REQUEST, "missing client token")
        life = self.tokens.get(token)
        if life is None or life.expires_at <= self.now:
            raise Refused(HTTPStatus.FORBIDDEN, "permission denied", "invalid token")
        return life

    def _approle(self, body: dict[str, Any]) -> dict[str, Any]:
        if (body.get("role_id"), body.get("secret_id")) != self.role:
            raise Refused(HTTPStatus.BAD_REQUEST, "invalid role or secret ID")
        return self._auth(self.issue(), self.token_seconds)

    def _kubernetes(self, body: dict[str, Any]) -> dict[str, Any]:
        if (body.get("role"), body.get("jwt")) != self.service_account:
            raise Refused(HTTPStatus.FORBIDDEN, "permission denied")
        return self._auth(self.issue(), self.token_seconds)

    def _auth(self, token: str, seconds: float) -> dict[str, Any]:
        return {"auth": {"client_token": token, "lease_duration": int(seconds), "renewable": True}}

    def _renewed(self, lease_id: str) -> dict[str, Any]:
        life = self.leases.get(lease_id)
        if life is None or life.expires_at <= self.now:
            raise Refused(HTTPStatus.BAD_REQUEST, "lease not found")
        return {"lease_id": lease_id, "renewable": True, "lease_duration": int(life.renew(self.now))}

    def _mount_of(self, path: str) -> dict[str, Any]:
        for mount, engine in self.mounts.items():
            if path.startswith(mount) and path not in self.forbidden:
                return {"data": {"path": mount, **engine}}
        raise Refused(HTTPStatus.FORBIDDEN, "preflight capability check returned 403, please ensure client's policies")

    def _read(self, path: str) -> dict[str, Any]:
        mount = next((one for one in self.mounts if path.startswith(one)), "")
        engine: dict[str, Any] = self.mounts.get(mount, {"type": "", "options": None})
        is_versioned = engine["options"] == {"version": "2"}
        if is_versioned and not path.startswith(f"{mount}data/"):
            raise Refused(HTTPStatus.NOT_FOUND)
        name = path.replace(f"{mount}data/", mount, 1) if is_versioned else path
        if name in self.forbidden:
            raise Refused(HTTPStatus.FORBIDDEN, "1 error occurred: permission denied")
        if self.secrets.get(name) is None:
            raise Refused(HTTPStatus.NOT_FOUND)
        plain = {"lease_id": "", "renewable": False, "lease_duration": 2_764_800}
        data = self.secrets[name]
        if is_versioned:
            return {**plain, "lease_duration": 0, "data": {"data": data, "metadata": {"version": 1}}}
        return {**plain, "data": data} if engine["type"] == "kv" else self._leased(path)

    def _leased(self, path: str) -> dict[str, Any]:
        """Make a user of a database, as the database engine does."""
        lease_id = f"{path}/{uuid.uuid4().hex}"
        self.leases[lease_id] = Life(
            self.now + self.lease_seconds, self.now + self.lease_max_seconds, self.lease_seconds
        )
        user = {"username": f"v-{lease_id[-8:]}", "password": f"p-{lease_id[-8:]}"}
        return {"lease_id": lease_id, "renewable": True, "lease_duration": int(self.lease_seconds), "data": user}


@contextmanager
def vault_stand_in() -> Generator[VaultStandIn]:
    """Serve on loopback until the block ends."""
    vault = VaultStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token, namespace = self.headers.get("X-Vault-Token"), self.headers.get("X-Vault-Namespace") or ""
            try:
                path = self.path.removeprefix("/v1/")
                said = vault.answer(self.command, path, token, namespace, json.loads(sent) if sent else {})
                self._send(HTTPStatus.OK, said)
            except Refused as refused:
                self._send(refused.status, {"errors": refused.errors})

        def _send(self, status: HTTPStatus, said: dict[str, Any]) -> None:
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815  the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        vault.url = f"http://127.0.0.1:{server.server_port}"
        yield vault
        server.shutdown()
        thread.join()
