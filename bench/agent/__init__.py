"""What the agent costs a device: memory, CPU, wake-ups, flash writes, bytes on the wire."""
