"""What reports mean and what versions are, as rules without I/O: a device's timeline, and a fleet's."""
