"""docs/agent-sources.md says what is true: each example loads, each source and each of its keys is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import attrs
import pytest

from firmtrail_agent.sources.auto import BESIDE, FOR_MAIN
from firmtrail_agent.sources.engine.registry import BUILT_IN, source_type
from tests.agent.sources.support.readings import configured

DOCUMENT = (Path(__file__).parents[3] / "docs/agent-sources.md").read_text()
SECTIONS = {section.partition("\n")[0]: section for section in DOCUMENT.split("\n## ")[1:]}
AUTO = next(section for title, section in SECTIONS.items() if "auto" in title)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_example_of_a_source_can_be_used(name: str, tmp_path: Path) -> None:
    lines = re.findall(r"^ {4}(.*)", SECTIONS[f"`{name}`"], re.MULTILINE)
    tables = "\n".join(lines[lines.index("[[sources]]") :])

    sources = configured(tmp_path, tables)

    assert {source.type for source in sources} == {name}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_key_of_a_source_is_described(name: str) -> None:
    keys = attrs.fields_dict(cast("type[attrs.AttrsInstance]", source_type(name)))

    assert [key for key in keys if not re.search(rf"\b{key}\b", SECTIONS[f"`{name}`"])] == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_default_component_of_a_source_is_described(name: str) -> None:
    field = attrs.fields_dict(cast("type[attrs.AttrsInstance]", source_type(name))).get("component")
    if field and field.default is not attrs.NOTHING:
        assert f"Component: `{field.default}`" in SECTIONS[f"`{name}`"]


def test_the_order_of_the_automatic_sources_is_described() -> None:
    assert re.findall(r"^\d+\. `([a-z-]+)`", AUTO, re.MULTILINE) == [source.type for source in FOR_MAIN]
    assert all(f"`{source.type}`" in AUTO for source in BESIDE)
