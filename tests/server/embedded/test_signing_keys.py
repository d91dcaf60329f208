"""A server with a database of its own has keys of its own too, and keeps both."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.server.server_process import serving


def signing_key(url: str) -> str:
    (key,) = httpx.get(f"{url}/.well-known/jwks.json").raise_for_status().json()["keys"]
    return key["kid"]


def test_the_key_of_the_first_start_is_that_of_every_start(made_root: Path) -> None:
    settings = {"FIRMTRAIL_DATA_DIR": str(made_root)}

    with serving(**settings) as url:
        first = signing_key(url)
    with serving(**settings) as url:
        assert signing_key(url) == first

    assert (made_root / "signing-keys.json").stat().st_mode & 0o777 == 0o600
