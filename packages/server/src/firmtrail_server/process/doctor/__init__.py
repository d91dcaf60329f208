"""`firmtrail-server doctor`: what an operator would find out later, one line each, with what mends it."""

from firmtrail_server.process.doctor.examination import examine
from firmtrail_server.process.doctor.finding import Finding, Grade

__all__ = ["Finding", "Grade", "examine"]
