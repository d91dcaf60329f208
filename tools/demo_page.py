"""The demo's person: a user of the demo project, and a link that opens its page signed in."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

from demo_project import CannotReport
from demo_server import program

from firmtrail import Client
from firmtrail_contract import Role, Seed

EMAIL, NAME = "demo@firmtrail.example", "Demo"
TIMEOUT_SECONDS = 60


def page_link(url: str, seed: Seed, key: str, data_dir: Path) -> str:
    """Make a link that signs a browser in as a member of the demo project: it works once, for ten minutes.

    Raises:
        CannotReport: the server's command makes none.
    """
    with Client(url, api_key=key) as client:
        if not any(member.email == EMAIL for member in client.members.list(seed.project.id)):
            _join(url, client, seed)
    made = subprocess.run(
        [program("firmtrail-server"), "login-link", EMAIL, "--data-dir", data_dir],
        env={**os.environ, "FIRMTRAIL_PUBLIC_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if made.returncode != 0:
        raise CannotReport(f"No link to the page was made: {made.stderr.strip()}")
    return made.stdout.strip()


def _join(url: str, client: Client, seed: Seed) -> None:
    """Nobody keeps the password: links sign in."""
    invitation = client.invitations.create(seed.project.id, Role.ADMIN)
    with Client(url) as anybody:
        anybody.users.sign_up(EMAIL, NAME, secrets.token_urlsafe(), invitation=invitation.secret)
