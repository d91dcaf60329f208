"""The service: when there is a round, what a round does, and what `status` shows of it."""
