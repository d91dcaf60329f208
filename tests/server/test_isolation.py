"""Every route, as everybody: each gets what the table of access says, and whoever is refused has changed nothing.

The routes are those of routes.py, so a new one is walked too; when its path names something new, world.py has to have
one of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from firmtrail_server.auth.permissions import Scope
from firmtrail_server.http.route import Route
from firmtrail_server.http.rows import CSV
from firmtrail_server.routes import ROUTES
from tests.server.callers import Caller
from tests.server.world import Project, Somebody, build, nobodys_user
from tools.openapi.document import document
from tools.openapi.examples import example

DOCUMENT = document(ROUTES)
SCOPED = [route for route in ROUTES if not route.is_public]
MEMBERS = ["member viewer", "member editor", "member admin"]
KEYS = ["key viewer", "key editor", "key admin", "device", "other device", "gateway", "enrollment key"]
REFUSED = {401, 403, 404}


@pytest.fixture
async def project(http: httpx.AsyncClient) -> Project:
    return await build(http, "ours")


@pytest.fixture
async def theirs(http: httpx.AsyncClient) -> Project:
    return await build(http, "theirs")


def expected(somebody: Somebody, route: Route, ids: Mapping[str, str]) -> int | None:
    """The refusal that the table of access gives; None: they are served."""
    if route.scope is not Scope.SELF and not somebody.knows(ids):
        return 404
    return None if route.scope in somebody.scopes else 403


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def filled(route: Route, ids: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda match: ids[match[1]], route.path)


async def ask(caller: Caller, route: Route, ids: Mapping[str, str], **query: str) -> int:
    """Send a request that is valid in every way, but for the query if there is one."""
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    options: dict[str, Any] = {}
    for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if content_type == "application/json":
            options = {"json": example(content["schema"], DOCUMENT["components"]["schemas"])}
        elif content_type == CSV:
            options = {"content": "name\nintruder\n", "headers": {"Content-Type": CSV}}
    answer = await caller.http.request(route.method, filled(route, ids), auth=caller.auth, params=query, **options)
    return answer.status_code


async def walk(somebody: Somebody, project: Project) -> dict[str, tuple[int, int | None]]:
    """Ask for everything in a project; return the answers that are not what the table says, and what it says.

    Who is to be served asks with a parameter that no route has: that is refused only after the caller was let in, and
    before anything is done.
    """
    wrong: dict[str, tuple[int, int | None]] = {}
    for route in SCOPED:
        ids = project.ids_of(route.path)
        owned = {"owner_of_device": project.ids["project_id"], **ids}
        refusal = expected(somebody, route, owned)
        status = await ask(somebody.caller, route, ids, **({} if refusal else {"no_such_parameter": "1"}))
        if status != (refusal or 422):
            wrong[named(route)] = (status, refusal)
    return wrong


def everything(database_url: str) -> dict[str, list[str]]:
    """All rows of all tables."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        tables = conn.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        return {
            table: [row[0] for row in conn.execute(_all_rows(table)).fetchall()]
            for (table,) in tables
            if "yoyo" not in table and table != "migration_lease"
        }


def _all_rows(table: str) -> sql.Composed:
    return sql.SQL("select one::text from {} as one order by 1").format(sql.Identifier(table))


@pytest.mark.parametrize("who", [*MEMBERS, *KEYS])
async def test_in_their_own_project_everybody_may_do_what_the_table_says(
    project: Project, database_url: str, who: str
) -> None:
    before = everything(database_url)

    assert await walk(project.people[who], project) == {}

    assert everything(database_url) == before


@pytest.mark.parametrize("who", [*MEMBERS, *KEYS])
async def test_another_project_does_not_exist_for_anybody(
    project: Project, theirs: Project, database_url: str, who: str
) -> None:
    before = everything(database_url)

    assert await walk(project.people[who], theirs) == {}

    assert everything(database_url) == before


async def test_a_user_without_projects_finds_none(http: httpx.AsyncClient, project: Project, database_url: str) -> None:
    user = await nobodys_user(http)
    before = everything(database_url)

    assert await walk(user, project) == {}

    assert everything(database_url) == before


async def test_nobody_is_asked_who_they_are(http: httpx.AsyncClient, project: Project, database_url: str) -> None:
    before = everything(database_url)

    statuses = {named(route): await ask(Caller(http), route, project.ids_of(route.path)) for route in SCOPED}

    assert {name: status for name, status in statuses.items() if status != 401} == {}
    assert everything(database_url) == before


async def test_public_routes_are_for_everybody(http: httpx.AsyncClient) -> None:
    public = [route for route in ROUTES if route.is_public]

    statuses = {named(route): await ask(Caller(http), route, {}, no_such_parameter="1") for route in public}

    assert {name: status for name, status in statuses.items() if status in REFUSED} == {}


@pytest.mark.parametrize("swapped", ["what is below", "the owner"])
async def test_what_belongs_to_another_owner_is_not_found_below_ones_own(
    project: Project, theirs: Project, database_url: str, swapped: str
) -> None:
    admin = project.people["member admin"].caller
    before = everything(database_url)
    statuses: dict[str, int] = {}
    for route in SCOPED:
        ours, foreign = project.ids_of(route.path), theirs.ids_of(route.path)
        owner = ours.keys() & {"project_id", "device_id"}
        if len(ours) > len(owner):
            kept, others = (ours, foreign) if swapped == "what is below" else (foreign, ours)
            ids = others | {name: kept[name] for name in owner}
            statuses[named(route)] = await ask(admin, route, ids)

    assert len(statuses) >= 8
    assert {name: status for name, status in statuses.items() if status != 404} == {}
    assert everything(database_url) == before


async def test_a_token_does_no_more_than_its_scopes(http: httpx.AsyncClient, project: Project) -> None:
    form = {"grant_type": "password", "username": "admin@ours.example", "password": "correct horse battery"}
    token = (await http.post("/v1/oauth/token", data=form | {"scope": "devices:read"})).json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"

    statuses = {
        named(route): await ask(Caller(http), route, project.ids_of(route.path), no_such_parameter="1")
        for route in SCOPED
    }

    served = {name for name, status in statuses.items() if status not in REFUSED}
    assert served == {named(route) for route in SCOPED if route.scope is Scope.DEVICES_READ}
