"""The real server for the SDK to talk to, and one that misbehaves."""

from tests.sdk.granting import report
from tests.sdk.misbehaving import misbehaving
from tests.sdk.shell import ada, keyed, shell
from tests.server.conftest import clock, demo, http, server, settings

__all__ = ["ada", "clock", "demo", "http", "keyed", "misbehaving", "report", "server", "settings", "shell"]
