"""Every body and every list, as somebody who may, with what nobody may choose: fields of the server, other pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import attrs
import httpx
import pytest

from firmtrail_contract import AsOf, DayOrMoment, DayStart, PageQuery
from firmtrail_server.http.route import Route
from firmtrail_server.http.rows import Rows
from firmtrail_server.routes import ROUTES
from tests.server.callers import Caller, read, wrong_fields
from tests.server.world import Project, build
from tools.openapi.document import document
from tools.openapi.examples import example

DOCUMENT = document(ROUTES)
#: what a caller could wish to set of things that the server decides about
WISHES = [
    "id",
    "project_id",
    "user_id",
    "device_id",
    "role",
    "is_admin",
    "secret",
    "secret_hash",
    "token_epoch",
    "created_at",
    "created_by",
    "use_count",
    "deleted_at",
    "retired_at",
    "last_used_at",
    "two_machines_since",
]


@pytest.fixture
async def project(http: httpx.AsyncClient) -> Project:
    return await build(http, "ours")


def caller_for(route: Route, project: Project) -> Caller:
    """Somebody of a project who may; anyone, where everybody may."""
    owned = {"owner_of_device": project.ids["project_id"], "device_id": project.ids["device_id"]}
    people = [one for one in project.people.values() if route.scope in one.scopes and one.knows(owned)]
    return [*people, *project.people.values()][0].caller


def path_of(route: Route, project: Project) -> str:
    ids = project.ids_of(route.path)
    return re.sub(r"{(\w+)}", lambda match: ids[match[1]], route.path)


def bodies() -> Iterator[Route]:
    for route in ROUTES:
        body = route.hints.get("body")
        if body not in (None, Rows) and not route.takes_form:
            yield route


def lists() -> Iterator[Route]:
    for route in ROUTES:
        if issubclass(route.hints.get("query", object), PageQuery):
            yield route


async def test_no_body_sets_what_the_server_decides(project: Project) -> None:
    taken: dict[str, Any] = {}
    for route in bodies():
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        (content,) = operation["requestBody"]["content"].values()
        body = example(content["schema"], DOCUMENT["components"]["schemas"])
        wishes = {name: body.get(name, True) for name in WISHES if name not in _fields(route)}
        caller = caller_for(route, project)

        answer = await caller.http.request(route.method, path_of(route, project), auth=caller.auth, json=body | wishes)

        if answer.status_code != 422 or wrong_fields(answer) != [
            (f"/{name}", "unknown_field") for name in sorted(wishes)
        ]:
            taken[f"{route.method} {route.path}"] = answer.text

    assert taken == {}


def _fields(route: Route) -> set[str]:
    return {field.name for field in attrs.fields(route.hints["body"])}


async def test_no_list_gives_pages_beyond_their_limits(project: Project) -> None:
    given: dict[str, Any] = {}
    for route in lists():
        caller = caller_for(route, project)
        for size in ("0", "-1", "1001", "1e3", "9" * 30, "", "1 ", "\u0661"):
            answer = await caller.http.get(path_of(route, project), auth=caller.auth, params={"page_size": size})
            if answer.status_code != 422 or wrong_fields(answer)[0][0] != "/page_size":
                given[f"{route.path} {size}"] = answer.text

    assert given == {}


async def test_no_list_goes_on_where_one_of_another_project_ended(http: httpx.AsyncClient, project: Project) -> None:
    theirs = await build(http, "theirs")
    gone_on: dict[str, Any] = {}
    tokens = 0
    for route in lists():
        their, our = caller_for(route, theirs), caller_for(route, project)
        page = read(await their.http.get(path_of(route, theirs), auth=their.auth, params={"page_size": 1}))
        if token := page["next_page_token"]:
            tokens += 1
            answer = await our.http.get(path_of(route, project), auth=our.auth, params={"page_token": token})
            if answer.status_code != 422 or wrong_fields(answer) != [("/page_token", "malformed")]:
                gone_on[route.path] = answer.text

    assert gone_on == {}
    assert tokens >= 4


async def test_no_moment_at_an_end_of_the_calendar_is_a_mistake_of_the_server(project: Project) -> None:
    wrong: dict[str, Any] = {}
    for route in ROUTES:
        for name in _moments(route):
            for moment in ("0001-01-01", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
                caller = caller_for(route, project)
                answer = await caller.http.get(path_of(route, project), auth=caller.auth, params={name: moment})
                if answer.status_code not in {200, 422}:
                    wrong[f"{route.path}?{name}={moment}"] = answer.text

    assert wrong == {}


def _moments(route: Route) -> list[str]:
    kinds = get_type_hints(route.hints["query"]) if "query" in route.hints else {}
    return [name for name, kind in kinds.items() if {kind, *get_args(kind)} & {AsOf, DayStart, DayOrMoment}]
