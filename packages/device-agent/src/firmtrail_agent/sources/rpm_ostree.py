"""rpm-ostree: the version of the deployment that is booted, with or without layered packages."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources import json_text, keys
from firmtrail_agent.sources.ostree import require_booted
from firmtrail_agent.sources.programs import TIMEOUT_SECONDS, located, output_of
from firmtrail_agent.sources.reading import Found, SourceFailed

COMMAND = ("rpm-ostree", "status", "--json")
PLACE = " ".join(COMMAND)
#: a deployment of a container image brings the image's manifest along
MAX_BYTES = 1024 * 1024


@attrs.frozen(kw_only=True)
class RpmOstree:
    """What `rpm-ostree status` marks as booted."""

    type: ClassVar[str] = "rpm-ostree"
    component: str = attrs.field(default="main", validator=keys.component)
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=keys.timeout_seconds)

    def find(self, root: Path) -> list[Found]:
        require_booted(root)
        output = output_of(located(root, COMMAND), max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        return [Found(component=self.component, version=booted_version(output), detail=PLACE)]


def booted_version(output: str) -> str:
    """Take the version of the one deployment that is booted."""
    deployments = json_text.items(json_text.at(json_text.parsed(output, PLACE), "deployments"))
    booted = [deployment for deployment in deployments if json_text.at(deployment, "booted") is True]
    if len(booted) != 1:
        raise SourceFailed(f"{PLACE} marks {len(booted)} deployments as booted, not one")
    version = json_text.at(booted[0], "version")
    if not isinstance(version, str):
        raise SourceFailed(f"{PLACE}: the booted deployment has no version; give its commit one")
    return version
