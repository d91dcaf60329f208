"""Who may open which page, and what the pages refuse to whom."""

from __future__ import annotations

import itertools
import re

import attrs
import httpx
import pytest

from firmtrail_contract import Role
from firmtrail_server.auth.permissions import MEMBER_SCOPES, ROLE_SCOPES
from firmtrail_server.pages.page import ROUTE_OF, Page
from firmtrail_server.pages.table import CHANGES, PAGES
from firmtrail_server.settings import Settings
from tests.server.browser import Browser, form_token
from tests.server.callers import Caller, join, made, new_user
from tests.server.world import Project, build

IN_PROJECTS = [page for page in [*PAGES, CHANGES] if "{project_id}" in page.path or "{device_id}" in page.path]


def path_of(page: Page, project: Project) -> str:
    return re.sub(r"{(\w+)}", lambda match: project.ids_of(page.path)[match[1]], page.path)


async def walk(browser: Browser, project: Project) -> dict[str, int]:
    """Open every page of a project, and post to those that take forms, without what they ask for."""
    token = form_token(await browser.opened("/projects"))
    statuses: dict[str, int] = {}
    for page in IN_PROJECTS:
        path = path_of(page, project)
        answer = await (
            browser.get(path) if page.method == "GET" else browser.http.post(path, data={"form_token": token, "x": "1"})
        )
        statuses[f"{page.method} {page.path}"] = answer.status_code
    return statuses


NONSENSE = ["\u200b", "x" * 5_000, "0001-01-01", "9" * 400]


async def test_no_parameter_of_a_page_and_no_field_of_a_form_is_a_mistake_of_the_server(
    http: httpx.AsyncClient, browser: Browser
) -> None:
    project = await build(http, "ours")
    await browser.sign_in("admin@ours.example")
    token = form_token(await browser.opened("/projects"))
    wrong: list[str] = []
    for page in IN_PROJECTS[:-1]:
        path, kind = path_of(page, project), "query" if page.method == "GET" else "body"
        names = (
            {field.name for field in attrs.fields(page.route.hints[kind])} if kind in page.route.hints else set[str]()
        )
        for name, text in itertools.product(names - {"form_token"}, NONSENSE):
            answer = await (
                browser.get(path, **{name: text})
                if kind == "query"
                else browser.http.post(path, data={"form_token": token, name: text})
            )
            wrong += [f"{page.method} {page.path} {name} {text[:10]}"] * answer.is_server_error

    assert wrong == []


@pytest.mark.parametrize("role", Role)
async def test_a_page_opens_for_whom_its_handler_serves(http: httpx.AsyncClient, browser: Browser, role: Role) -> None:
    project = await build(http, "ours")
    await browser.sign_in(f"{role}@ours.example")

    statuses = await walk(browser, project)

    refused = {name for name, status in statuses.items() if status == 403}
    assert refused == {
        f"{page.method} {page.path}"
        for page in IN_PROJECTS
        if page.like and ROUTE_OF[page.like].scope not in ROLE_SCOPES[role] | MEMBER_SCOPES
    }
    assert {status for name, status in statuses.items() if name not in refused} <= {200, 303, 422}


async def test_pages_of_another_project_are_not_found(http: httpx.AsyncClient, browser: Browser, mara: Caller) -> None:
    theirs = await build(http, "theirs")

    assert set((await walk(browser, theirs)).values()) == {404}


async def test_who_is_not_signed_in_is_led_to_sign_in(http: httpx.AsyncClient, browser: Browser) -> None:
    project = await build(http, "ours")

    for page in PAGES:
        if page.like is not None and page.method == "GET":
            answer = await browser.get(path_of(page, project))
            assert answer.status_code == 303
            assert answer.headers["Location"].startswith("/sign-in?next=%2F")


async def test_a_viewer_is_offered_nothing_that_is_refused(
    http: httpx.AsyncClient, browser: Browser, mara: Caller
) -> None:
    ben = await new_user(http, "ben@example.com")
    project = made(await ben.post("projects", {"name": "Theirs"}))["id"]
    await join(mara, ben, f"projects/{project}", Role.VIEWER)

    for page in ("settings", "members", "desired_versions"):
        html = await browser.opened(f"/projects/{project}/{page}")
        assert f"/projects/{project}/keys" not in html
        assert f"/projects/{project}/audit" not in html
        forms = set(re.findall(r'<form method="post" action="([^"]+)"', html)) - {"/sign-out"}
        assert forms <= {f"/projects/{project}/settings/leave"}


@pytest.mark.parametrize("settings", [Settings(pages_enabled=False, password_cost=4)])
async def test_without_pages_the_server_has_its_api_alone(http: httpx.AsyncClient) -> None:
    answer = await http.get("/", headers={"Accept": "text/html"})

    assert answer.headers["Location"] == "/docs"
    for page in PAGES:
        assert (await http.request(page.method, page.path)).status_code == 404


@pytest.mark.parametrize("accept", ["text/html,*/*", "application/json"])
async def test_an_unknown_path_answers_in_the_asker_s_language(browser: Browser, accept: str) -> None:
    kinds = {"text/html,*/*": "text/html; charset=utf-8", "application/json": "application/problem+json"}
    for path in ("/nothing", "/projects/x/y/z", "/sign-out"):
        answer = await browser.http.get(path, headers={"Accept": accept})
        assert answer.status_code in {404, 405}
        assert answer.headers["Content-Type"] == kinds[accept]

    api = await browser.http.get("/v1/nothing", headers={"Accept": accept})
    assert api.headers["Content-Type"] == "application/problem+json"
