"""What the AWS provider takes, read from its published schema's typed bindings (cdktf-cdktf-provider-aws).

The bindings are only read, never run: their wheel is one Python module for each resource and data source, with a
class for each kind of block, whose arguments carry the names of the provider's own.
"""

from __future__ import annotations

import ast
import re
import zipfile
from functools import cache
from pathlib import Path

import attrs

#: of Terraform itself, in every resource
META = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner", "provisioners"}
_PACKAGE = "cdktf_cdktf_provider_aws"
_BASES = ("TerraformResource", "TerraformDataSource")


@attrs.frozen(kw_only=True)
class Block:
    """The arguments of a block: those that it must have, and which of them are blocks themselves."""

    arguments: frozenset[str]
    required: frozenset[str]
    blocks: dict[str, Block]


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of resource or data source: its block, and what may be read of it."""

    block: Block
    attributes: frozenset[str]


class Schema:
    """Reads the kinds that are asked for."""

    def __init__(self, wheel: Path) -> None:
        self._files = zipfile.ZipFile(wheel)
        self.find = cache(self._find)

    def _find(self, name: str) -> Kind | None:
        """Give "aws_lb", or "data.aws_subnet"; None: there is no such kind."""
        module = re.sub(r"^(data\.)?aws_", lambda found: "data_aws_" if found[1] else "", name)
        try:
            tree = ast.parse(self._files.read(f"{_PACKAGE}/{module}/__init__.py"))
        except KeyError:
            return None
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        main = next(node for node in classes.values() if any(base in ast.unparse(node.bases[0]) for base in _BASES))
        return Kind(block=_block(classes[f"{main.name}Config"], main.name, classes), attributes=_properties(main))


def _block(node: ast.ClassDef, prefix: str, classes: dict[str, ast.ClassDef]) -> Block:
    initial = next(part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
    pairs = list(zip(initial.args.kwonlyargs, initial.args.kw_defaults, strict=True))
    blocks = {
        argument.arg: _block(classes[found], prefix, classes)
        for argument, _ in pairs
        if (found := _class_of(argument, prefix, classes)) is not None
    }
    return Block(
        arguments=frozenset(argument.arg for argument, _ in pairs),
        required=frozenset(argument.arg for argument, default in pairs if default is None),
        blocks=blocks,
    )


def _class_of(argument: ast.arg, prefix: str, classes: dict[str, ast.ClassDef]) -> str | None:
    """Find the class of a block's arguments in an annotation, which names it quoted where it is defined later."""
    named = re.findall(rf"\b{prefix}\w+", ast.unparse(argument.annotation) if argument.annotation else "")
    return next((name for name in named if name in classes), None)


def _properties(node: ast.ClassDef) -> frozenset[str]:
    return frozenset(part.name for part in node.body if isinstance(part, ast.FunctionDef) and part.decorator_list)
