"""What keeps a secret from being read."""

from __future__ import annotations


class SecretUnreadable(Exception):
    """The secret cannot be read from where it is kept. The message says why, and holds nothing of the secret."""
