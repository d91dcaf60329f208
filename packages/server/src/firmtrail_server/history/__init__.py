"""What the history of a fleet says, worked out from values alone: no I/O in this room."""
