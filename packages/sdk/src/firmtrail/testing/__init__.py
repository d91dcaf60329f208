"""What a program that uses the SDK is tested with: a stand-in of the server, and a real one.

Install it with `firmtrail[testing]`. Tests ask for the fixtures `firmtrail_stand_in` and `firmtrail_real_server`; other
runners use the classes as context managers.
"""

from __future__ import annotations

from firmtrail.testing.real_server import RealServer, running_server
from firmtrail.testing.refusals import NotAnswered, Refused
from firmtrail.testing.stand_in import RecordedRequest, StandIn

__all__ = ["NotAnswered", "RealServer", "RecordedRequest", "Refused", "StandIn", "running_server"]
