"""Files that helpers with more rights leave for the agent, which therefore needs none: one JSON object each.

    {"modem": "EG25GGBR07A08M2G", "fpga": {"error": "no answer on spi0.1"}, "radio": {"gone": true}}

They are taken only as somebody could have written them who owns the device anyway: root, or the agent's own user.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import attrs

from firmtrail_agent.sources.engine.naming import Part, by_component, component_name
from firmtrail_agent.sources.engine.source import Found, Gone, Said, SourceAbsent, SourceFailed, Unknown
from firmtrail_agent.sources.support import json_text, validators
from firmtrail_agent.sources.support.files import below, listed, opened, text_of_file
from firmtrail_agent.system.rooted_path import RootedPath

DIRECTORY = "/run/firmtrail-agent/versions.d"
ENDING = ".json"
MAX_BYTES = 4096
MAX_FILES = 64


@attrs.frozen(kw_only=True)
class DropDirectory:
    """The versions in all files of a directory, or those of the chosen components."""

    type: ClassVar[str] = "drop-directory"
    path: str = attrs.field(default=DIRECTORY, validator=validators.path)
    components: Mapping[str, str] | None = attrs.field(default=None, validator=validators.components)

    @property
    def component(self) -> str:
        return self.type

    def find(self, root: Path) -> Iterator[Said]:
        folder = below(root, self.path)
        files = _files(folder)
        if not files:
            raise SourceAbsent(f"there is no *{ENDING} in {folder}")
        return by_component([part for file in files for part in _parts(file)], self.components)


def _files(folder: RootedPath) -> list[RootedPath]:
    status, entries = listed(folder)
    _require_trusted(folder, status)
    files = [entry for entry in entries if entry.name.endswith(ENDING) and not entry.name.startswith(".")]
    if len(files) > MAX_FILES:
        raise SourceFailed(f"{folder} holds more than {MAX_FILES} files; remove those that nobody needs")
    return files


def _parts(file: RootedPath) -> Iterator[Part]:
    """What one file says; where it cannot be read, its name stands for the component that it would speak of."""
    try:
        versions = _versions(file)
    except SourceAbsent:  # removed since the directory was listed
        return
    except SourceFailed as failure:
        name = component_name(file.name.removesuffix(ENDING))
        yield Part(names=[name], said=Unknown(component=name, error=str(failure), may_hide_others=True))
        return
    for name, value in versions.items():
        yield Part(names=[name], said=_said(name, value, file))


def _versions(file: RootedPath) -> dict[str, Any]:
    with opened(file, may_be_link=False) as stream:
        _require_trusted(file, os.fstat(stream.fileno()))
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise SourceFailed(f"{file} is larger than {MAX_BYTES} bytes")
    return json_text.parsed_object(text_of_file(content), str(file))


def _said(name: str, value: Any, file: RootedPath) -> Said:
    if isinstance(value, str):
        return Found(component=name, version=value, detail=str(file))
    said = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if isinstance(error := said.get("error"), str):
        return Unknown(component=name, error=f"{file} says: {error}")
    if said == {"gone": True}:
        return Gone(component=name, detail=f"{file} says that it is gone")
    what = f'must be a version, or an object such as {{"error": "why"}}, and not {json_text.kind(value)}'
    return Unknown(component=name, error=f"{file}: {name} {what}")


def _require_trusted(file: RootedPath, status: os.stat_result) -> None:
    if status.st_uid not in {0, os.geteuid()}:
        raise SourceFailed(f"{file} belongs to user {status.st_uid}; only root may say what runs: chown root {file}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SourceFailed(f"others than its owner may change {file}: chmod go-w {file}")
