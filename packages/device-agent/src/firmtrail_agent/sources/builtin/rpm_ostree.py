"""rpm-ostree: the version of the deployment that is booted, with or without layered packages."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.builtin.ostree import require_booted
from firmtrail_agent.sources.engine.source import Found, SourceFailed
from firmtrail_agent.sources.support import json_text, validators
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, located, output_of

COMMAND = ("rpm-ostree", "status", "--json")
PLACE = " ".join(COMMAND)
#: a deployment of a container image brings the image's manifest along
_KEYS = {"version": ("version",), "digest": ("container-image-reference-digest", "base-checksum", "checksum")}
MAX_BYTES = 1024 * 1024


@attrs.frozen(kw_only=True)
class RpmOstree:
    """What `rpm-ostree status` marks as booted."""

    type: ClassVar[str] = "rpm-ostree"
    component: str = attrs.field(default="main", validator=validators.component)
    #: "digest" is that of the container image, or else the checksum of the commit: one that changes with every image
    take: str = attrs.field(default="version", validator=validators.choice("version", "digest"))
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def find(self, root: Path) -> list[Found]:
        require_booted(root)
        output = output_of(located(root, COMMAND), max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        return [Found(component=self.component, version=booted_version(output, take=self.take), detail=PLACE)]


def booted_version(output: str, *, take: str = "version") -> str:
    """Take the version of the one deployment that is booted, or its digest."""
    deployments = json_text.items(json_text.at(json_text.printed(output, PLACE), "deployments"))
    booted = [deployment for deployment in deployments if json_text.at(deployment, "booted") is True]
    if len(booted) != 1:
        raise SourceFailed(f"{PLACE} marks {len(booted)} deployments as booted, not one")
    found = [json_text.at(booted[0], key) for key in _KEYS[take]]
    if version := next((value for value in found if isinstance(value, str) and value), None):
        return version
    hint = '; give its image or commit one, or set take = "digest"' if take == "version" else ""
    raise SourceFailed(f"{PLACE}: the booted deployment has no {take}{hint}")
