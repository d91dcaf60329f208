"""The check of Terraform files finds what the provider would refuse. `./dev terraform` runs it on ours."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.terraform.checking import complaints
from tools.terraform.schema import Schema

#: what the real bindings look like, with a kind of resource that is small
BINDINGS = """
class Pump(_cdktf.TerraformResource):
    @builtins.property
    def arn(self): ...

class PumpConfig(_cdktf.TerraformMetaArguments):
    def __init__(
        self, *, depends_on=None, name: builtins.str, size: typing.Optional[jsii.Number] = None,
        valve: typing.Optional[typing.Sequence[typing.Union["PumpValve", typing.Dict[str, typing.Any]]]] = None,
    ) -> None: ...

class PumpValve:
    def __init__(self, *, width: jsii.Number) -> None: ...
"""


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    with zipfile.ZipFile(tmp_path / "bindings.whl", "w") as wheel:
        wheel.writestr("cdktf_cdktf_provider_aws/pump/__init__.py", BINDINGS)
    return Schema(tmp_path / "bindings.whl")


def found(schema: Schema, body: dict[str, Any], **sections: Any) -> list[str]:
    return list(complaints([{"resource": [{"aws_pump": {"this": body}}], **sections}], schema))


def test_what_the_provider_takes_is_taken(schema: Schema) -> None:
    body = {"name": ["${var.name}"], "valve": [{"width": [2]}], "count": [1], "__start_line__": 1}

    assert found(schema, body, variable=[{"name": {}}]) == []


EMPTY: dict[str, Any] = {}
FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"name": ["a"], "colour": ["red"]}, "aws_pump.this: no argument colour"),
    ({"size": [1]}, "aws_pump.this: name is missing"),
    ({"name": ["a"], "valve": [{"wdth": [2], "width": [2]}]}, "aws_pump.this.valve: no argument wdth"),
    ({"name": ["a"], "valve": [EMPTY]}, "aws_pump.this.valve: width is missing"),
    ({"name": ["${aws_pump.other.arn}"]}, "aws_pump.other is declared nowhere"),
    ({"name": ["${aws_pump.this[0].size_in_litres}"]}, "aws_pump.this has no attribute size_in_litres"),
    ({"name": ["${var.name}"]}, "var.name is declared nowhere"),
]


@pytest.mark.parametrize(("body", "complaint"), FAULTS)
def test_a_fault_is_named(schema: Schema, body: dict[str, Any], complaint: str) -> None:
    assert found(schema, body) == [complaint]


def test_a_kind_that_there_is_not_is_named(schema: Schema) -> None:
    file = {"data": [{"aws_tank": {"this": EMPTY}}]}

    assert list(complaints([file], schema)) == ["data.aws_tank.this: there is no such kind"]


def test_a_variable_that_nobody_uses_is_named(schema: Schema) -> None:
    assert found(schema, {"name": ["a"]}, variable=[{"idle": {}}]) == ["var.idle is used nowhere"]
