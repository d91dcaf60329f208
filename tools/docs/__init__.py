"""The documentation as a site that opens from disk."""
