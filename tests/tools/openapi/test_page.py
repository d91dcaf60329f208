"""The page for people: whole, safe to open, and with examples that work."""

from __future__ import annotations

import base64
import hashlib
import re

import attrs
import jsonschema_rs
import pytest

from firmtrail_contract import Device
from firmtrail_server.auth.permissions import Scope
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.route import Route
from firmtrail_server.routes import ROUTES
from tests.page_reader import Reader
from tools.openapi.document import document
from tools.openapi.examples import example
from tools.openapi.page import page

DOCUMENT = document(ROUTES)
PAGE = page(DOCUMENT)


READER = Reader(PAGE)


@attrs.frozen(kw_only=True)
class Nasty:
    """<script>alert(`<b>`)</script> & "quotes"."""

    #: <img src=x onerror=alert(1)>
    name: str = "</code><script>"


async def nasty(_ctx: PublicContext, body: Nasty) -> Device:
    """And <i>more</i>."""
    raise NotImplementedError


def test_nothing_is_fetched_from_elsewhere() -> None:
    inside = [link for link in READER.links if link.startswith(("#", "data:")) or link == "/openapi.json"]

    assert READER.links == inside
    assert not re.search(r"@import|url\(", PAGE)


def test_the_page_runs_no_script() -> None:
    assert READER.tags["script"] == 0
    assert not [name for name in READER.attributes if name.startswith("on")]
    assert "style" not in READER.attributes


def test_the_pages_own_policy_allows_its_style_and_nothing_else() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in PAGE


def test_every_link_inside_the_page_leads_somewhere() -> None:
    assert {link[1:] for link in READER.links if link.startswith("#")} <= {*READER.ids}
    assert len({*READER.ids}) == len(READER.ids)


def test_every_operation_refusal_and_schema_can_be_linked_to() -> None:
    operations = {one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()}
    refusals = {f"problem-{name}" for name in DOCUMENT["components"]["responses"]}
    schemas = {f"schema-{name}" for name in DOCUMENT["components"]["schemas"]}

    assert operations | refusals | schemas <= {*READER.ids}


def test_the_page_has_landmarks_and_one_main_heading() -> None:
    assert [READER.tags[tag] for tag in ("nav", "main", "header", "h1")] == [1, 1, 1, 1]


def test_markup_in_descriptions_is_shown_and_not_obeyed() -> None:
    written = page(document([Route("POST", "/x", nasty, Scope.PUBLIC, summary="Do <script>bad</script> things")]))
    reader = Reader(written)

    assert (reader.tags["script"], reader.tags["img"], reader.tags["i"], reader.tags["b"]) == (0, 0, 0, 0)
    assert "&lt;script&gt;bad&lt;/script&gt;" in written
    assert "&lt;img src=x onerror=alert(1)&gt;" in written


def shown_models() -> list[str]:
    operations = [one for methods in DOCUMENT["paths"].values() for one in methods.values()]
    holders = [one["requestBody"] for one in operations if "requestBody" in one]
    holders += [answer for one in operations for answer in one["responses"].values() if "content" in answer]
    schemas = [content["schema"] for holder in holders for content in holder["content"].values()]
    return sorted({schema["$ref"].rpartition("/")[2] for schema in schemas if "$ref" in schema})


@pytest.mark.parametrize("model", shown_models())
def test_an_example_is_valid(model: str) -> None:
    schema = {"$ref": f"#/components/schemas/{model}"}

    made = example(schema, DOCUMENT["components"]["schemas"])

    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(made)


def test_every_refusals_example_is_valid() -> None:
    for refusal in DOCUMENT["components"]["responses"].values():
        ((_, content),) = refusal["content"].items()
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(content["example"])


def test_no_curl_line_makes_a_secret_an_argument() -> None:
    commands = [line for blocks in READER.code.values() for block in blocks for line in block.splitlines()]

    assert not [line for line in commands if "curl" in line and "FIRMTRAIL_API_KEY" in line.partition("curl")[2]]
