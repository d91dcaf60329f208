"""What reports mean, as rules without I/O: the timeline, batches, boot clocks, two machines with one key."""
