"""What reports mean, as rules without I/O: the timeline, batches, boot clocks, clones; and of a fleet version order,
version filters and adoption.
"""
