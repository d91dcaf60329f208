"""Holds parsed files against the schema: unknown and missing arguments, references that lead nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from tools.terraform.schema import META, Block, Schema

#: Terraform's own resource, which no provider's schema has
_DATA = Block(arguments=frozenset({"input", "triggers_replace"}), required=frozenset(), blocks={})
_REFERENCE = re.compile(
    r"(?<![\w.])(?P<name>data\.aws_\w+\.\w+|aws_\w+\.\w+|terraform_data\.\w+|var\.\w+|local\.\w+)"
    r"(?:\[[^\]]*\])?(?:\.(?P<attribute>\w+))?"
)


@attrs.frozen(kw_only=True)
class Entry:
    """A resource ("aws_lb") or a data source ("data.aws_subnet")."""

    kind: str
    name: str
    body: Mapping[str, Any]


def entries(files: list[dict[str, Any]]) -> Iterator[Entry]:
    """List what parsed files declare."""
    for file in files:
        for section, prefix in (("resource", ""), ("data", "data.")):
            for declared in file.get(section, []):
                for kind, named in declared.items():
                    for name, body in named.items():
                        yield Entry(kind=f"{prefix}{kind}", name=name, body=body)


def complaints(files: list[dict[str, Any]], schema: Schema) -> Iterator[str]:
    """Say what the provider would refuse, as far as its schema tells."""
    declared = list(entries(files))
    for entry in declared:
        kind = schema.find(entry.kind)
        block = _DATA if entry.kind == "terraform_data" else kind and kind.block
        if block is None:
            yield f"{entry.kind}.{entry.name}: there is no such kind"
        else:
            yield from _of_block(f"{entry.kind}.{entry.name}", entry.body, block, META)
    yield from _of_references(files, declared, schema)


def _of_block(where: str, body: Mapping[str, Any], block: Block, extra: set[str]) -> Iterator[str]:
    given = {name for name in body if not name.startswith("__")}
    for name in sorted(given - block.arguments - extra):
        yield f"{where}: no argument {name}"
    for name in sorted(block.required - given):
        yield f"{where}: {name} is missing"
    for name, inner in block.blocks.items():
        parts: list[Mapping[str, Any]] = [part for part in body.get(name, []) if isinstance(part, dict)]
        for part in parts:
            yield from _of_block(f"{where}.{name}", part, inner, set())


def _of_references(files: list[dict[str, Any]], declared: list[Entry], schema: Schema) -> Iterator[str]:
    kinds = {f"{entry.kind}.{entry.name}": entry.kind for entry in declared}
    variables = {f"var.{name}" for file in files for one in file.get("variable", []) for name in one}
    values = {f"local.{name}" for file in files for one in file.get("locals", []) for name in one if name[:2] != "__"}
    found = {(one["name"], one["attribute"]) for one in _REFERENCE.finditer(json.dumps(files))}
    for name, attribute in sorted(found, key=str):
        if name.startswith(("var.", "local.")):
            if name not in variables | values:
                yield f"{name} is declared nowhere"
        elif name not in kinds:
            yield f"{name} is declared nowhere"
        elif attribute and (kind := schema.find(kinds[name])) and attribute not in kind.attributes:
            yield f"{name} has no attribute {attribute}"
    used = {name for name, _ in found}
    yield from (f"{name} is used nowhere" for name in sorted((variables | values) - used))
