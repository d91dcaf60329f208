"""The write path: what devices report, from the handler to the tables.

`submit.py` takes it, `group_commit.py` lets what arrives together be stored together, `rewrite.py` stores what is late
or new, `boots.py` finds out when a device's boots started.
"""

from firmtrail_server.history.timeline import Sender
from firmtrail_server.ingest.submit import Ingest, Outcome, Submission

__all__ = ["Ingest", "Outcome", "Sender", "Submission"]
