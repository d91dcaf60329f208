"""The version of this package; pyproject.toml takes it from here. Asking the package's metadata costs a megabyte."""

__version__ = "0.1.0"
