"""Firmtrail's server: what every device runs, and what it ran, as of any date."""
