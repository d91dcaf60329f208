"""The command line: `main.py` says which commands and options there are; what each does is in a module of its own."""

from firmtrail_agent.cli.main import main

__all__ = ["main"]
