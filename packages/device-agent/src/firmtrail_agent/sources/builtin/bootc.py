"""bootc: the version of the container image that is booted."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.builtin.ostree import require_booted
from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import json_text, validators
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, located, output_of

COMMAND = ("bootc", "status", "--json")
PLACE = " ".join(COMMAND)
#: of the image, from which bootc has the version
LABEL = "org.opencontainers.image.version"
MAX_BYTES = 1024 * 1024


@attrs.frozen(kw_only=True)
class Bootc:
    """What `bootc status` says of the booted image."""

    type: ClassVar[str] = "bootc"
    component: str = attrs.field(default="main", validator=validators.component)
    #: "version" is the image's label; "digest" changes with every image
    take: str = attrs.field(default="version", validator=validators.choice("version", "digest"))
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def find(self, root: Path) -> list[Found]:
        require_booted(root)
        output = output_of(located(root, COMMAND), max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        return [Found(component=self.component, version=booted_version(output, take=self.take), detail=PLACE)]


def booted_version(output: str, *, take: str = "version") -> str:
    """Take the version of the image that is booted, or its digest."""
    image = json_text.at(json_text.printed(output, PLACE), "status", "booted", "image")
    if image is None:
        raise SourceAbsent(f"{PLACE}: what is booted is no container image")
    version = json_text.at(image, "version" if take == "version" else "imageDigest")
    if not isinstance(version, str):
        hint = f'; give it the label {LABEL}, or set take = "digest"' if take == "version" else ""
        raise SourceFailed(f"{PLACE}: the booted image has no {take}{hint}")
    return version
