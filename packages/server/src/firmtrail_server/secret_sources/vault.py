"""HashiCorp Vault and OpenBao, by hvac: `vault://MOUNT/PATH#FIELD`, of KV version 1 or 2 or any engine that is read.

A token and a lease are renewed when half of their life is over. A lease that cannot be renewed, or not for as long as
before, is let go: what is read in its place is new, such as a database's user and password.
"""
# hvac has few types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from firmtrail_server.secret_sources.errors import SecretUnreadable
from firmtrail_server.secret_sources.fields import field_of
from firmtrail_server.secret_sources.login import VaultLogin

_TIMEOUT_SECONDS = 5
#: what is read within it comes from one answer, so that a user and a password belong together
_ONE_LOOK_SECONDS = 2.0
#: renewed for less than this share of the first life, a lease is near the end that its engine sets
_RENEWED_ENOUGH = 0.75


@attrs.define
class _Lease:
    """What may be used, and for how long; without an id it is no lease, and not renewed."""

    secret: Mapping[str, Any]
    lease_id: str
    #: of its first life; for no lease how long it is remembered
    seconds: float
    is_renewable: bool
    half_at: float


class Vault:
    """Reads secrets, logged in."""

    def __init__(self, login: VaultLogin, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._login, self._client, self._clock = login, client, clock
        self._leases: dict[str, _Lease] = {}
        self._is_logged_in = False
        #: when half of the token's life is over; None: it never ends
        self._renew_token_at: float | None = None

    def read(self, path: str, field: str | None) -> str:
        with _explained():
            return field_of(self._secret(path), field)

    def due_seconds(self) -> float | None:
        moments = [lease.half_at for lease in self._leases.values() if lease.lease_id]
        moments += [] if self._renew_token_at is None else [self._renew_token_at]
        return max(min(moments) - self._clock(), 1.0) if moments else None

    def _secret(self, path: str) -> Mapping[str, Any]:
        lease = self._leases.get(path)
        if lease is None or (self._clock() >= lease.half_at and not self._renewed(lease)):
            lease = self._leases[path] = self._fetched(path)
        return lease.secret

    def _fetched(self, path: str) -> _Lease:
        mount, is_versioned = self._mount(path)
        answer = self._ask(self._client.read, f"{mount}data/{path.removeprefix(mount)}" if is_versioned else path)
        secret = (answer or {}).get("data")
        secret = (secret or {}).get("data") if is_versioned else secret
        if not secret:
            raise SecretUnreadable("does not exist in Vault.")
        lease_id = answer.get("lease_id") or ""
        seconds = float(answer.get("lease_duration") or 0) if lease_id else 2 * _ONE_LOOK_SECONDS
        return _Lease(secret, lease_id, seconds, bool(answer.get("renewable")), self._clock() + seconds / 2)

    def _mount(self, path: str) -> tuple[str, bool]:
        """Find out where an engine is mounted, with a slash at its end, and whether it is KV version 2."""
        answer = self._ask(self._client.read, f"sys/internal/ui/mounts/{path}")
        found = (answer or {}).get("data") or {}
        is_versioned = found.get("type") == "kv" and (found.get("options") or {}).get("version") == "2"
        return found.get("path", ""), is_versioned

    def _renewed(self, lease: _Lease) -> bool:
        if not lease.lease_id or not lease.is_renewable:
            return False
        from hvac.exceptions import VaultError  # noqa: PLC0415  the extra `vault`

        try:
            answer = self._ask(self._client.sys.renew_lease, lease.lease_id)
        except VaultError:
            return False  # revoked, or at its end
        seconds = float(answer.get("lease_duration") or 0)
        lease.half_at = self._clock() + seconds / 2
        return seconds >= _RENEWED_ENOUGH * lease.seconds

    def _ask(self, request: Callable[..., Any], *arguments: str) -> Any:
        """Ask with a token that lives; one that is refused may have been revoked, so log in anew, once."""
        from hvac.exceptions import Forbidden  # noqa: PLC0415  the extra `vault`

        is_fresh = self._keep_logged_in()
        try:
            return request(*arguments)
        except Forbidden:
            if is_fresh:
                raise
        self._log_in()
        return request(*arguments)

    def _keep_logged_in(self) -> bool:
        """Log in or renew the token where it is time; return whether it was a login."""
        from hvac.exceptions import VaultError  # noqa: PLC0415  the extra `vault`

        if self._is_logged_in and (self._renew_token_at is None or self._clock() < self._renew_token_at):
            return False
        if self._is_logged_in:
            try:
                self._use_token(self._client.auth.token.renew_self()["auth"])
            except VaultError:
                self._is_logged_in = False
            else:
                return False
        self._log_in()
        return True

    def _log_in(self) -> None:
        from hvac.exceptions import Forbidden, InvalidRequest  # noqa: PLC0415  the extra `vault`

        try:
            self._use_token(self._answer_of_login(self._login))
        except (Forbidden, InvalidRequest):
            raise SecretUnreadable("cannot be read: Vault refuses the login.") from None
        self._is_logged_in = True

    def _answer_of_login(self, login: VaultLogin) -> Mapping[str, Any]:
        if login.role_id is not None:
            mount = login.mount or "approle"
            return self._client.auth.approle.login(login.role_id, login.secret_id(), mount_point=mount)["auth"]
        if login.kubernetes_role is not None:
            jwt, mount = _service_account(login), login.mount or "kubernetes"
            return self._client.auth.kubernetes.login(login.kubernetes_role, jwt, mount_point=mount)["auth"]
        self._client.token = login.token()
        return {"lease_duration": self._client.auth.token.lookup_self()["data"].get("ttl")}

    def _use_token(self, answer: Mapping[str, Any]) -> None:
        """Take over a token's life; hvac has taken over the token itself."""
        seconds = float(answer.get("lease_duration") or 0)
        self._renew_token_at = self._clock() + seconds / 2 if seconds else None


def _service_account(login: VaultLogin) -> str:
    try:
        return login.jwt_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SecretUnreadable(f"cannot be read: there is no service account token in {login.jwt_file}.") from None


@contextmanager
def _explained() -> Generator[None]:
    """Turn what hvac raises into a sentence. Its own messages may hold what Vault was sent."""
    import requests  # noqa: PLC0415  hvac's, with the extra `vault`
    from hvac.exceptions import Forbidden, VaultError  # noqa: PLC0415

    try:
        yield
    except Forbidden:
        raise SecretUnreadable("cannot be read: Vault refuses the login, or its policies this path (403).") from None
    except VaultError as error:
        raise SecretUnreadable(f"cannot be read: Vault answered {type(error).__name__}.") from None
    except requests.RequestException as error:
        raise SecretUnreadable(f"cannot be read: Vault does not answer ({type(error).__name__}).") from None


def open_vault(login: VaultLogin) -> Vault:
    """Make a client; nothing is asked before the first secret is read.

    Raises:
        SecretUnreadable: hvac is not installed.
    """
    try:
        from hvac import Client  # noqa: PLC0415  the extra `vault`
    except ModuleNotFoundError:
        raise SecretUnreadable("needs hvac: install firmtrail-server[vault].") from None
    # an empty token: it would take one from the environment or from a file in the home directory
    client = Client(
        url=login.url, token="", namespace=login.namespace, verify=login.ca_file or True, timeout=_TIMEOUT_SECONDS
    )
    return Vault(login, client)
