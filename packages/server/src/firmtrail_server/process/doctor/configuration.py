"""What the settings alone say: signing keys, mail, proxies."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Mapping
from pathlib import Path

from firmtrail_server.process.doctor.finding import Finding, fail, ok, warn
from firmtrail_server.services.mail import log_in
from firmtrail_server.settings import Settings

#: what opens something; its file should be for its owner alone
_SECRETS = (
    "FIRMTRAIL_DATABASE_URL",
    "FIRMTRAIL_DATABASE_PASSWORD",
    "FIRMTRAIL_SIGNING_KEYS",
    "FIRMTRAIL_SMTP_URL",
    "FIRMTRAIL_METRICS_TOKEN",
    "FIRMTRAIL_VAULT_TOKEN",
    "FIRMTRAIL_VAULT_SECRET_ID",
)
_OF_OTHERS = 0o077
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def examine_files(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at who may read the files that hold secrets."""
    for name in _SECRETS:
        file = Path(environment.get(f"{name}_FILE") or "/nowhere")
        if file.is_file() and file.stat().st_mode & _OF_OTHERS:
            yield warn("secrets", f"Other users may read the file that {name}_FILE names. Run: chmod 600 {file}")


def examine_keys(settings: Settings) -> Finding:
    keys = settings.signing_keys
    if keys is not None:
        return ok("keys", f"{len(keys.by_id)} signing key(s); the first one signs")
    if settings.database_url is None:
        return ok("keys", "kept in the data directory")
    return fail(
        "keys",
        "There are no signing keys. Make them with firmtrail-server signing-key > FILE, and set"
        " FIRMTRAIL_SIGNING_KEYS_FILE on every server of this database.",
    )


def examine_mail(settings: Settings) -> Finding:
    """Log in to the mail server, and send nothing."""
    if settings.smtp is None:
        return ok("mail", "none is sent: invitations are handed over by hand (FIRMTRAIL_SMTP_URL)")
    try:
        log_in(settings.smtp)
    except (OSError, smtplib.SMTPException) as error:
        return fail(
            "mail",
            f"{settings.smtp.host} takes no mail of ours ({type(error).__name__})."
            " Check FIRMTRAIL_SMTP_URL: host, port, scheme, user and password.",
        )
    return ok("mail", f"{settings.smtp.host} lets us in")


def examine_proxy(settings: Settings) -> Finding:
    """Look at whether addresses of clients are believed from whom they should be."""
    is_behind = (settings.public_url or "").startswith("https://")
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        return fail(
            "proxy",
            "FIRMTRAIL_TRUSTED_PROXIES holds every address: a client may choose its own, and no limit of wrong"
            " credentials holds. Name the proxies' networks.",
        )
    if is_behind and not settings.trusted_proxies:
        return warn(
            "proxy",
            "A proxy that speaks TLS is before this server, and FIRMTRAIL_TRUSTED_PROXIES names none: all clients share"
            " one limit of wrong credentials. Set it to the proxy's network, such as 127.0.0.1/32.",
        )
    if settings.host not in _LOOPBACK and not is_behind:
        return warn(
            "proxy",
            "The server listens beyond this machine in plain HTTP. Put TLS in front of it, and set FIRMTRAIL_PUBLIC_URL"
            " to the https:// address that clients use.",
        )
    count = len(settings.trusted_proxies)
    return ok("proxy", f"{count} trusted network(s)" if count else "none: clients come directly")
