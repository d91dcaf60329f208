"""Checks of single values and texts from outside. No I/O but of the files that a value names."""
