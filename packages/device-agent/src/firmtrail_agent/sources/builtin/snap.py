"""snap: the version of an installed snap, as the snap itself has it. Everybody may read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, read_text

#: where snaps are mounted, which depends on the distribution
FOLDERS = ("/snap", "/var/lib/snapd/snap")
MAX_BYTES = 256 * 1024
_VERSION = re.compile(r"""^version:[ \t]*(["']?)((?!#).*?)\1(?:[ \t]+#.*|[ \t]*)$""", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Snap:
    """The version of the current revision of one snap."""

    type: ClassVar[str] = "snap"
    component: str = attrs.field(validator=validators.component)
    package: str = attrs.field(validator=validators.package)

    def find(self, root: Path) -> list[Found]:
        for folder in FOLDERS:
            file = below(root, f"{folder}/{self.package}/current/meta/snap.yaml")
            try:
                text = read_text(file, max_bytes=MAX_BYTES)
            except SourceAbsent:
                continue
            if not (version := _VERSION.search(text)):
                raise SourceFailed(f"{file} has no line version: ...")
            return [Found(component=self.component, version=version[2], detail=str(file))]
        raise SourceAbsent(f"there is no {below(root, FOLDERS[0])}/{self.package}/current")
