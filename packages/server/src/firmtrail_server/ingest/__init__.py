"""The write path: what devices report, from the handler to the tables.

`submit.py` takes it, `group_commit.py` lets what arrives together be stored together, `rewrite.py` stores what is late
or new, `boots.py` finds out when a device's boots started, `gateways.py` is for what comes for many devices at once,
`first_use.py` for keys that came by enrollment.
"""

from firmtrail_server.history.timeline import Sender
from firmtrail_server.ingest.gateways import Gateway
from firmtrail_server.ingest.submit import Ingest, Outcome, Submission

__all__ = ["Gateway", "Ingest", "Outcome", "Sender", "Submission"]
