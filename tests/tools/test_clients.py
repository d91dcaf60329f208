"""The example collections: up to date, and made of what openapi.json knows. `./dev clients` runs them."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools.clients import __main__ as clients
from tools.clients.flow import FLOW, TAKEN, NotInDocument, requests

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
CLIENTS = ROOT / "examples/clients"


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(DOCUMENT)


def test_the_collections_are_what_openapi_says_now() -> None:
    assert clients.main(["--check"]) == 0


def test_an_operation_that_is_gone_is_named(document: dict[str, Any]) -> None:
    del document["paths"]["/v1/seed"]

    with pytest.raises(NotInDocument, match="seed"):
        list(requests(document))


def test_a_query_that_is_gone_is_named(document: dict[str, Any]) -> None:
    listing = document["paths"]["/v1/projects/{project_id}/devices"]["get"]
    listing["parameters"] = [one for one in listing["parameters"] if one["name"] != "version"]

    with pytest.raises(NotInDocument, match="version"):
        list(requests(document))


def test_a_status_that_is_gone_is_named(document: dict[str, Any]) -> None:
    del document["paths"]["/v1/seed"]["post"]["responses"]["201"]

    with pytest.raises(NotInDocument, match="201"):
        list(requests(document))


def test_insomnia_gets_every_variable_that_it_uses() -> None:
    resources = json.loads((CLIENTS / "insomnia.json").read_text(encoding="utf-8"))["resources"]
    used = {*re.findall(r"\{\{ _\.(\w+) \}\}", json.dumps(resources))}
    (environment,) = (one for one in resources if one["_type"] == "environment")

    assert used == {*environment["data"]} == {"url", *TAKEN}


def test_insomnia_has_the_requests_of_the_flow_below_one_workspace() -> None:
    resources = json.loads((CLIENTS / "insomnia.json").read_text(encoding="utf-8"))["resources"]
    sent = [one for one in resources if one["_type"] == "request"]
    (workspace,) = (one["_id"] for one in resources if one["_type"] == "workspace")

    assert [one["name"][3:] for one in sent] == [step.name for step in FLOW]
    assert {one["parentId"] for one in sent} == {workspace}
    assert len({one["_id"] for one in resources}) == len(resources)


def test_no_collection_holds_a_secret() -> None:
    texts = [file.read_text(encoding="utf-8") for file in CLIENTS.rglob("*.*")]

    assert texts
    assert not re.search(r"\bft[a-z]_\w{20,}", "\n".join(texts))
