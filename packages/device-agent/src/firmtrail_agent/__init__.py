"""Firmtrail's device agent: reports the firmware versions a device runs."""

#: pyproject.toml takes it from here
__version__ = "0.1.0"
