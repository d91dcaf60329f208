"""How to log in to Vault or OpenBao: by a token, an AppRole, or the service account of a Kubernetes pod."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from firmtrail_server.secret_sources.errors import SecretUnreadable

_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_METHODS = ("FIRMTRAIL_VAULT_TOKEN", "FIRMTRAIL_VAULT_ROLE_ID", "FIRMTRAIL_VAULT_KUBERNETES_ROLE")


@attrs.frozen(kw_only=True)
class VaultLogin:
    """Where Vault is, and which of the three ways in to take."""

    url: str
    namespace: str | None
    #: the file of the authority that signed its certificate; None: those of the system
    ca_file: str | None
    #: reads the token; of a file anew at each login, since an agent may replace it
    token: Callable[[], str | None]
    role_id: str | None
    secret_id: Callable[[], str | None]
    kubernetes_role: str | None
    jwt_file: Path
    #: where the method is mounted, below auth/
    mount: str | None


def read_vault_login(environment: Mapping[str, str], secret: Callable[[str], str | None]) -> VaultLogin:
    """Read the settings; `secret` reads those that are secrets themselves.

    Raises:
        SecretUnreadable: the URL or the way in is missing, or there are two.
    """
    url = environment.get("FIRMTRAIL_VAULT_URL", "")
    if not url.startswith(("https://", "http://")) or not urlsplit(url).hostname:
        raise SecretUnreadable("cannot be read: set FIRMTRAIL_VAULT_URL, such as https://vault.example.com:8200.")
    login = VaultLogin(
        url=url,
        namespace=environment.get("FIRMTRAIL_VAULT_NAMESPACE") or None,
        ca_file=environment.get("FIRMTRAIL_VAULT_CA_FILE") or None,
        token=lambda: secret("FIRMTRAIL_VAULT_TOKEN"),
        role_id=environment.get("FIRMTRAIL_VAULT_ROLE_ID") or None,
        secret_id=lambda: secret("FIRMTRAIL_VAULT_SECRET_ID"),
        kubernetes_role=environment.get("FIRMTRAIL_VAULT_KUBERNETES_ROLE") or None,
        jwt_file=Path(environment.get("FIRMTRAIL_VAULT_JWT_FILE") or _SERVICE_ACCOUNT),
        mount=environment.get("FIRMTRAIL_VAULT_AUTH_MOUNT") or None,
    )
    if sum(map(bool, (login.token(), login.role_id, login.kubernetes_role))) != 1:
        raise SecretUnreadable(f"cannot be read: set one of {', '.join(_METHODS)}.")
    return login
