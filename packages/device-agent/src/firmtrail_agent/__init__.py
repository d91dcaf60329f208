"""Firmtrail's device agent: reports the firmware versions a device runs."""
