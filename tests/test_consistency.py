"""Tables that must be total: what one part has, every other part that speaks of it must have too.

Nothing here is a list kept by hand but the exceptions, each with its reason.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

import firmtrail
import firmtrail_contract
from firmtrail import AsyncClient, NotFoundError
from firmtrail.errors import BY_CODE
from firmtrail_agent.config import configuration
from firmtrail_agent.config.layers import variable
from firmtrail_contract import ClockReading, DeviceReport, ObservationRecord, ProblemCode, Role
from firmtrail_contract.problems import STATUS
from firmtrail_server import errors, queries
from firmtrail_server.auth.permissions import (
    DEVICE_SCOPES,
    ENROLLMENT_SCOPES,
    GATEWAY_SCOPES,
    KEY_SCOPES,
    MEMBER_SCOPES,
    ROLE_SCOPES,
    USER_SCOPES,
    Scope,
)
from firmtrail_server.db import Connection, Drain, Link
from firmtrail_server.http.route import Route
from firmtrail_server.queries import (
    access,
    activity,
    api_keys,
    boots,
    deletions,
    device_versions,
    firmware_feeds,
    history,
    invitations,
    login_links,
    members,
    password_resets,
    pending_sign_ups,
    projects,
    reports,
    sessions,
    silences,
    users,
    webhooks,
    work_leases,
)
from firmtrail_server.routes import ROUTES

ROOT = Path(__file__).parents[1]

#: queries that take no project
WITHOUT_PROJECT: dict[Callable[..., Any], str] = {
    api_keys.find: "the key is what tells the project",
    api_keys.update_last_used: "what it stores is about the keys alone",
    **{
        query: "users belong to no project"
        for _, query in inspect.getmembers(users, inspect.iscoroutinefunction)
        if query.__module__ == users.__name__
    },
    **{
        query: "it is about users, who belong to no project"
        for module in (password_resets, pending_sign_ups, sessions)
        for _, query in inspect.getmembers(module, inspect.iscoroutinefunction)
        if query.__module__ == module.__name__
    },
    **{
        query: "a link signs a user in"
        for _, query in inspect.getmembers(login_links, inspect.iscoroutinefunction)
        if query.__module__ == login_links.__name__
    },
    invitations.get_by_digest: "the secret is what tells the project",
    members.delete_of_user: "it is about one user in all projects",
    members.list_memberships: "the same",
    projects.list_of_user: "the same",
    projects.find_of_user: "the same",
    members.find_by_device: "the device is what tells the project",
    projects.insert: "it makes the project",
    reports.extend_histories: "it stores the reports of many projects; each report's key tells its own",
    reports.extend_period: "the report's key tells the project",
    reports.get_key: "the key is what tells the project",
    boots.find_named: "it looks up the boots of devices of many projects; each batch's key tells its own",
    history.has_reported: "the device asks it of itself, when its key has told who it is",
    **dict.fromkeys(
        (access.list_lapsed_keys, access.list_lapsed_members, firmware_feeds.look_at),
        "it looks at many projects at once, each with who waits for it",
    ),
    firmware_feeds.plan_by_key: "it is about the transaction",
    firmware_feeds.find_pending_project: "it looks for work in all projects",
    firmware_feeds.list_outdated: "the same",
    webhooks.list_due: "it looks for work in all projects",
    work_leases.take_for_webhooks: "one process delivers for all projects",
    work_leases.give_back: "the same",
    activity.find_oldest_transaction: "it looks at the whole database",
    deletions.find_deleted_project: "it looks for work in all projects",
    deletions.find_marked: "the same",
    **{
        query: "it compares two tables, whoever's their rows are"
        for _, query in inspect.getmembers(device_versions, inspect.iscoroutinefunction)
    },
    **{
        query: "it compares the devices of all projects with their silences"
        for _, query in inspect.getmembers(silences, inspect.iscoroutinefunction)
    },
}
#: an argument for each type that the SDK's methods ask for
SAMPLES: dict[Any, Any] = {
    uuid.UUID | str: uuid.UUID(int=1),
    uuid.UUID | str | None: uuid.UUID(int=1),
    str: "one@example",  # good as a name, an address, a version and a password
    int: 1,
    Sequence[str] | str: "1.5.0",
    Role | str: Role.VIEWER,
    dt.datetime: dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
    Sequence[ObservationRecord]: [],
    Iterable[DeviceReport | Mapping[str, Any]]: [{"device_name": "pump-1", "version": "1.5.0"}],
    ClockReading: ClockReading(boot_id=uuid.UUID(int=1), boot_sequence=1, boot_time_ms=0),
}


#: arguments for which no other text of their type would do
SAMPLES_BY_NAME = {"url": "https://example.com/"}


@pytest.mark.parametrize("code", ProblemCode)
def test_every_problem_code_has_a_status_and_a_class_in_the_sdk(code: ProblemCode) -> None:
    assert STATUS[code] >= 400
    assert BY_CODE[code]


def test_every_problem_code_has_its_reason_in_the_openapi_document() -> None:
    told = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["components"]["responses"].keys()

    assert {*ProblemCode} - told == {ProblemCode.METHOD_NOT_ALLOWED}  # no operation answers it


def test_every_refusal_of_the_server_has_a_problem_code() -> None:
    refusals = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]

    assert [kind for kind in refusals if not hasattr(kind, "code")] == [errors.DomainError]


def test_the_tree_of_refusals_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^([│├└─ ]*)([A-Z]\w+)(?:  (?!.*\.py$).*)?$", errors.__doc__ or "", re.MULTILINE)

    assert [(len(lead) // 4, name) for lead, name in drawn] == [*tree_of(errors.DomainError)]


def tree_of(kind: type[errors.DomainError], depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, kind.__name__
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree_of(below, depth + 1)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_has_a_scope_that_somebody_holds(route: Route) -> None:
    of_keys = DEVICE_SCOPES | GATEWAY_SCOPES | ENROLLMENT_SCOPES | KEY_SCOPES
    held = of_keys.union(*ROLE_SCOPES.values(), MEMBER_SCOPES, USER_SCOPES)

    assert route.scope in {Scope.PUBLIC, Scope.METRICS, *held}


def test_every_route_has_an_operation_in_the_openapi_document_and_every_operation_a_route() -> None:
    paths = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))["paths"]

    operations = {
        (method.upper(), path, one["operationId"]) for path, methods in paths.items() for method, one in methods.items()
    }

    assert operations == {(route.method, route.path, route.handler.__name__) for route in ROUTES}


def test_the_reference_that_the_server_ships_is_what_the_routes_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.openapi", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


async def test_every_route_of_the_api_has_a_method_in_the_sdk_and_every_method_a_route(tmp_path: Path) -> None:
    routes = {(route.method, route.path) for route in ROUTES if route.path.startswith("/v1/")}

    assert await asked_for_by_the_sdk(tmp_path) == routes


async def asked_for_by_the_sdk(folder: Path) -> set[tuple[str, str]]:
    """Call every public method of a client, and note what arrives at a server of the same routes that refuses all."""
    asked: set[tuple[str, str]] = set()

    def refuse(path: str | None = None) -> Callable[[web.Request], Any]:
        async def handler(request: web.Request) -> web.Response:
            asked.add((request.method, path or request.path))
            raise web.HTTPNotFound

        return handler

    app = web.Application()
    app.add_routes([web.route(route.method, route.path, refuse(route.path)) for route in ROUTES])
    app.add_routes([web.route("*", "/{anything_else:.*}", refuse())])
    async with (
        TestServer(app) as server,
        AsyncClient(str(server.make_url("/")), api_key="id:secret", auth="basic") as client,
    ):
        for method in methods_of(client):
            with pytest.raises(NotFoundError):
                await call(method, folder)
    return asked


def methods_of(thing: object) -> Iterator[Callable[..., Any]]:
    """The public methods of a client, and of `client.firmware` and its like."""
    for name, member in inspect.getmembers(thing):
        if name.startswith("_") or name in {"aclose", "with_options"}:
            continue
        if inspect.ismethod(member):
            yield member
        elif type(member).__module__.startswith("firmtrail._async."):
            yield from methods_of(member)


async def test_every_method_of_the_sdk_takes_no_project_for_that_of_the_key() -> None:
    async with AsyncClient("http://127.0.0.1") as client:
        hints = {in_its_module(method): get_type_hints(method).get("project_id") for method in methods_of(client)}

    asking_for_one = {name for name, hint in hints.items() if hint == uuid.UUID | str}
    assert asking_for_one == {"projects.leave"}  # which no key can do


async def test_every_method_of_the_sdk_is_in_its_readme() -> None:
    text = (ROOT / "packages/sdk/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (`.*`) \|$", text, re.MULTILINE)

    async with AsyncClient("http://127.0.0.1") as client:
        there = {in_its_module(method) for method in methods_of(client)}

    assert {f"{noun}.{name}" for noun, names in rows for name in re.findall(r"\w+", names)} == {
        name for name in there if not name.startswith("client.")
    }


async def test_every_model_that_a_method_of_the_sdk_takes_or_gives_is_exported() -> None:
    async with AsyncClient("http://127.0.0.1") as client:
        hints = [hint for method in methods_of(client) for hint in get_type_hints(method).values()]

    models = {part for hint in hints for part in parts(hint) if in_the_contract(part)}

    assert {model.__name__ for model in models} <= {*firmtrail.__all__}


def parts(hint: Any) -> Iterator[Any]:
    """A type and all that it is made of."""
    yield hint
    for one in get_args(hint):
        yield from parts(one)


def in_the_contract(kind: Any) -> bool:
    return getattr(kind, "__module__", "").startswith(firmtrail_contract.__name__)


async def call(method: Callable[..., Any], folder: Path) -> None:
    """Call it with all that it requires, and its project, and read what it gives as far as the first item."""
    parameters = inspect.signature(method, eval_str=True).parameters.values()
    wanted = [one for one in parameters if one.default is one.empty or one.name == "project_id"]
    file = folder / "devices.ndjson"  # to import; an export would replace it
    file.write_text('{"name": "pump-1"}\n')
    samples = SAMPLES | {str | os.PathLike[str]: folder / "new.ndjson" if method.__name__ == "follow" else file}
    required = {one.name: SAMPLES_BY_NAME.get(one.name) or samples[one.annotation] for one in wanted}
    given = method(**required)
    if inspect.isawaitable(given):
        await given
    else:
        await anext(aiter(given))


def query_functions() -> list[Callable[..., Any]]:
    """Every function in the modules of queries that is public or takes a connection."""
    names = [f"{queries.__name__}.{found.name}" for found in pkgutil.iter_modules(queries.__path__)]
    functions = [
        function
        for name in names
        for _, function in inspect.getmembers(import_module(name), inspect.isfunction)
        if function.__module__ == name
    ]
    return [one for one in functions if one.__name__[0] != "_" or Connection in get_type_hints(one).values()]


def sql_of(query: Callable[..., Any]) -> str:
    """The text of a query function, with the literals of its module that it puts into a statement."""
    source = inspect.getsource(query)
    literals = vars(inspect.getmodule(query)).items()
    return source + "".join(text for name, text in literals if isinstance(text, str) and f"{{{name}}}" in source)


def in_its_module(function: Callable[..., Any]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


@pytest.mark.parametrize("query", query_functions(), ids=in_its_module)
def test_every_query_takes_the_connection_first_and_the_project_second(query: Callable[..., Any]) -> None:
    hints = get_type_hints(query)
    names = [*inspect.signature(query).parameters]

    assert hints[names[0]] in (Connection, Drain, Link)  # what runs statements
    if query not in WITHOUT_PROJECT:
        assert names[1:2] == ["project_id"]
        assert hints["project_id"] is uuid.UUID
        assert "%(project_id)s" in sql_of(query)


def test_queries_without_a_project_are_named_only_while_there_are_such() -> None:
    taking_one = [query for query in query_functions() if "project_id" in inspect.signature(query).parameters]

    assert not WITHOUT_PROJECT.keys() & set(taking_one)
    assert WITHOUT_PROJECT.keys() <= set(query_functions())


@pytest.mark.parametrize(
    ("package", "page"),
    [("server", "docs/settings.md"), ("postgres", "packages/postgres/README.md"), ("sdk", "packages/sdk/README.md")],
    ids=["server", "postgres", "sdk"],
)
def test_every_variable_that_a_package_names_is_on_its_page(package: str, page: str) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "packages" / package / "src").rglob("*.py"))
    text = (ROOT / page).read_text(encoding="utf-8")

    assert {name for name in re.findall(r"FIRMTRAIL_\w+", source) if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("key", [*configuration._KEYS, "sources"])
def test_every_key_of_the_agents_configuration_is_in_its_readme(key: str) -> None:
    assert f"| `{key}` |" in (ROOT / "packages/device-agent/README.md").read_text(encoding="utf-8")


def test_every_variable_of_the_agent_in_the_settings_is_one_that_it_reads() -> None:
    named = re.findall(r"`(FIRMTRAIL_AGENT_\w+)`", (ROOT / "docs/settings.md").read_text(encoding="utf-8"))

    assert named
    assert {*named} <= {variable(key) for key in [*configuration._KEYS, "sources"]}


def test_the_sync_half_of_the_sdk_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "tools/unasync.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
