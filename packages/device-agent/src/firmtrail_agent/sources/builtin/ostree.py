"""OSTree: the version of the commit that is booted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import below, require_there
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, located, output_of

#: made at boot, on every system of the family
BOOTED = "/run/ostree-booted"
COMMAND = ("ostree", "admin", "status")
PLACE = " ".join(COMMAND)
MAX_BYTES = 256 * 1024

#: "* os checksum.serial" is what is booted; what is told of it follows, indented
_BOOTED_DEPLOYMENT = re.compile(r"^\* (?P<name>.*)\n(?P<told>(?: {4}.*\n)*)", re.MULTILINE)
_CHECKSUM = re.compile(r"\b[0-9a-f]{64}\b")
_VERSION = re.compile(r"^ {4}Version: (.*)$", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Ostree:
    """What `ostree admin status` marks as booted. Its JSON is too young to be relied on."""

    type: ClassVar[str] = "ostree"
    component: str = attrs.field(default="main", validator=validators.component)
    #: "digest" is the checksum of the commit
    take: str = attrs.field(default="version", validator=validators.choice("version", "digest"))
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def find(self, root: Path) -> list[Found]:
        require_booted(root)
        output = output_of(located(root, COMMAND), max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        return [Found(component=self.component, version=booted_version(output, take=self.take), detail=PLACE)]


def booted_version(output: str, *, take: str = "version") -> str:
    """Take the version of the one deployment that is marked with a star, or its checksum."""
    booted = list(_BOOTED_DEPLOYMENT.finditer(output))
    if len(booted) != 1:
        raise SourceFailed(f"{PLACE} marks {len(booted)} deployments as booted, not one")
    if take == "digest":
        return _checksum(booted[0]["name"])
    if not (version := _VERSION.search(booted[0]["told"])):
        raise SourceFailed(
            f'{PLACE}: the booted commit has no version; give it one in its metadata, or set take = "digest"'
        )
    return version[1]


def _checksum(name: str) -> str:
    if not (found := _CHECKSUM.search(name)):
        raise SourceFailed(f"{PLACE} names no checksum of the booted commit")
    return found[0]


def require_booted(root: Path) -> None:
    """Tell a system that runs from OSTree from one that merely has its tools."""
    require_there(below(root, BOOTED))
