"""What the SDK costs beside the HTTP library that it stands on. See ../README.md."""
