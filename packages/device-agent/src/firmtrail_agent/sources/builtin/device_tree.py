"""The device tree: what the boot loader has told the kernel, above all its own version."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import as_text, below, read_bytes
from firmtrail_agent.system.rooted_path import RootedPath
from firmtrail_contract.fillers import is_filler_version

#: the second is a link to the first, and hidden from a service that sees only processes in /proc
TREES = ("/sys/firmware/devicetree/base", "/proc/device-tree")
#: U-Boot writes it since 2020
PROPERTY = "/chosen/u-boot,version"
MAX_BYTES = 4096


@attrs.frozen(kw_only=True)
class DeviceTree:
    """A property that is one text."""

    type: ClassVar[str] = "device-tree"
    component: str = attrs.field(default="bootloader", validator=validators.component)
    property: str = attrs.field(default=PROPERTY, validator=validators.path)

    def find(self, root: Path) -> list[Found]:
        file, content = _property(root, self.property)
        text = _unpadded(content)
        if b"\0" in text:
            raise SourceFailed(f"{file} is a number or several texts, not one text")
        version = as_text(text)
        if is_filler_version(version):
            raise SourceAbsent(f"{file} says that there is no version")
        return [Found(component=self.component, version=version, detail=str(file))]


def _unpadded(content: bytes) -> bytes:
    """Take away the NUL that ends a text; some boards forget it, some fill a field of fixed width with more."""
    text = content.rstrip(b"\0")
    return text if len(text) > 1 else content.removesuffix(b"\0")  # a number may end in zeros too


def _property(root: Path, name: str) -> tuple[RootedPath, bytes]:
    for tree in TREES:
        file = below(root, tree + name)
        try:
            return file, read_bytes(file, max_bytes=MAX_BYTES)
        except SourceAbsent:
            continue
    raise SourceAbsent(f"there is no {below(root, TREES[0] + name)}")
