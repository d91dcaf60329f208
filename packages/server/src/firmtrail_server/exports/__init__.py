"""The way out for whole histories: the formats, their compression, and the threads that they are written in."""

from firmtrail_server.exports.export import Export
from firmtrail_server.exports.exporter import Exporter

__all__ = ["Export", "Exporter"]
