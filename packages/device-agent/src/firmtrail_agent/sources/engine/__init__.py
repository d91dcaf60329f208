"""What a source is, which there are, and how they are asked within bounded time."""
