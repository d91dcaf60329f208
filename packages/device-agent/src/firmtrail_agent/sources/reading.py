"""The names that plug-ins import, where they found them before `firmtrail_agent.sources` had them."""

from firmtrail_agent.sources.engine.reading import Reading
from firmtrail_agent.sources.engine.source import Found, Gone, Source, SourceAbsent, SourceFailed, Unknown

__all__ = ["Found", "Gone", "Reading", "Source", "SourceAbsent", "SourceFailed", "Unknown"]
