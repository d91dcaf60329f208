"""`firmtrail`: projects, members, devices and their history from a shell. `commands.py` has the list of all verbs."""

from firmtrail.cli.commands import main

__all__ = ["main"]
