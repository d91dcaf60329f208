"""Which files say that something has changed: those that versions and the API key are read from.

A change that is missed is found by the next heartbeat, so it is enough to know of most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from firmtrail_agent.sources.engine.source import Source

#: by the type of the source that reads them, as far as a running system changes them
_FILES: Mapping[str, Sequence[str]] = {
    "os-release": ("/etc/os-release", "/usr/lib/os-release"),
    "swupdate": ("/etc/sw-versions",),
    "mender": ("/etc/mender/artifact_info",),
    "dpkg": ("/var/lib/dpkg/status",),
    "apk": ("/lib/apk/db/installed", "/usr/lib/apk/db/installed"),
    "drop-directory": ("/run/firmtrail-agent/versions.d",),
}


def paths(sources: Sequence[Source] | None, root: Path) -> list[Path]:
    """List the files of configured sources, or of the automatic ones."""
    automatic = [name for names in _FILES.values() for name in names]
    names = automatic if sources is None else [name for source in sources for name in _names(source)]
    return [root / name.lstrip("/") for name in names]


def _names(source: Source) -> Iterator[str]:
    """Every setting of a source that is an absolute path is a place that it looks at."""
    yield from _FILES.get(source.type, ())
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(source))):
        value: Any = getattr(source, field.name, None)
        if isinstance(value, str) and value.startswith("/") and value.isprintable():
            yield value
