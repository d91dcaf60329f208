"""HTTP, and nothing of it beyond this package."""
