"""Pages for people: who may open which, what they show, and what nobody can make them do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncGenerator
from html import unescape

import httpx
import pytest

from firmtrail_contract import Role
from firmtrail_server.auth.permissions import MEMBER_SCOPES, ROLE_SCOPES
from firmtrail_server.pages import views
from firmtrail_server.pages.page import ROUTE_OF, Page
from firmtrail_server.pages.table import PAGES
from firmtrail_server.process.first_user import BadUser
from firmtrail_server.process.login_link import make_login_link
from firmtrail_server.settings import Settings
from tests.served import Server
from tests.server.browser import Browser, form_token, text_of
from tests.server.callers import Caller, key_of, made, new_user, read
from tests.server.conftest import Clock
from tests.server.world import Project, build

EMAIL = "mara@example.com"
REPORTS = [("1.4.2", "2026-03-01"), ("1.5.0", "2026-05-10"), ("1.4.2", "2026-05-20"), ("1.5.0", "2026-05-29")]
IN_PROJECTS = [page for page in PAGES if "{project_id}" in page.path or "{device_id}" in page.path]
MARKUP = """<script>alert(1)</script>"><img src=x onerror=alert(2)>'&amp;"""


@pytest.fixture
async def browser(server: Server) -> AsyncGenerator[Browser]:
    async with httpx.AsyncClient(base_url=server.url) as http:
        yield Browser(http)


@pytest.fixture
async def mara(http: httpx.AsyncClient, browser: Browser) -> Caller:
    """A user, who is signed in in the browser."""
    user = await new_user(http, EMAIL, name="Mara")
    await browser.sign_in(EMAIL)
    return user


@pytest.fixture
async def fleet(mara: Caller) -> str:
    """The path of a project whose only device has a past."""
    project = made(await mara.post("projects", {"name": "Pumps"}))["id"]
    await reporting(mara, project, "pump-1", REPORTS)
    return f"/projects/{project}"


async def reporting(user: Caller, project: str, name: str, reports: list[tuple[str, str]], **labels: str) -> str:
    """Register a device that has reported; return its id."""
    device = made(await user.post(f"projects/{project}/devices", {"name": name, "labels": labels}))["id"]
    key = Caller(user.http, key_of(made(await user.post(f"devices/{device}/api_keys", {}))))
    for version, day in reports:
        report = {"version": version, "observed_at": f"{day}T08:00:00Z", "strict": True}
        assert (await key.post(f"devices/{device}/firmware_version", report)).is_success
    return device


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


async def test_signing_in_leads_on_to_the_page_that_was_asked_for(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    answer = await browser.post(
        "/sign-in", "/sign-in", email=EMAIL, password="correct horse battery", next="/projects?x=1"
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects?x=1")


@pytest.mark.parametrize(
    "onward", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/a\tb"]
)
async def test_signing_in_never_leads_to_another_site(http: httpx.AsyncClient, browser: Browser, onward: str) -> None:
    await new_user(http, EMAIL)

    answer = await browser.post("/sign-in", "/sign-in", email=EMAIL, password="correct horse battery", next=onward)

    assert answer.headers["Location"] == "/projects"


async def test_a_wrong_password_is_told_and_throttled(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    answers = [await browser.sign_in(EMAIL, "wrong password") for _ in range(12)]

    assert answers[0].status_code == 401
    assert "do not match" in answers[0].text
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers


async def test_the_cookies_are_closed_to_scripts_and_sites(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    cookies = (await browser.sign_in(EMAIL)).headers.get_list("Set-Cookie")

    assert [cookie.partition("=")[0] for cookie in cookies] == ["firmtrail_access", "firmtrail_session"]
    for cookie in cookies:
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize("settings", [Settings(public_url="https://firmtrail.example", password_cost=4)])
async def test_behind_tls_the_cookies_are_secure(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    cookies = (await browser.sign_in(EMAIL)).headers.get_list("Set-Cookie")

    for cookie in cookies:
        assert cookie.startswith("__Host-firmtrail_")
        assert "Secure" in cookie.split("; ")


async def test_a_session_outlives_its_access_token(browser: Browser, mara: Caller, clock: Clock) -> None:
    clock.advance(days=3)

    answer = await browser.get("/projects")

    assert answer.status_code == 200
    assert len(answer.headers.get_list("Set-Cookie")) == 2


async def test_signing_out_ends_the_session(browser: Browser, mara: Caller) -> None:
    kept = dict(browser.http.cookies)

    await browser.post("/sign-out", "/projects")

    browser.http.cookies.update(kept)
    assert (await browser.get("/projects")).status_code == 303


@pytest.mark.parametrize(
    "changed",
    [{"form_token": ""}, {"form_token": "0" * 96}],
)
async def test_a_form_without_its_token_changes_nothing(
    browser: Browser, mara: Caller, changed: dict[str, str]
) -> None:
    answer = await browser.http.post("/projects", data={"name": "Forged", **changed})

    assert answer.status_code == 403
    assert read(await mara.get("projects"))["items"] == []


async def test_a_form_token_of_another_session_is_refused(
    http: httpx.AsyncClient, browser: Browser, mara: Caller
) -> None:
    await new_user(http, "eve@example.com")
    async with httpx.AsyncClient(base_url=http.base_url) as another:
        eve = Browser(another)
        await eve.sign_in("eve@example.com")
        token = form_token(await eve.opened("/projects"))

    answer = await browser.http.post("/projects", data={"name": "Forged", "form_token": token})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused(browser: Browser, mara: Caller, headers: dict[str, str]) -> None:
    token = form_token(await browser.opened("/projects"))

    answer = await browser.http.post("/projects", data={"name": "Forged", "form_token": token}, headers=headers)

    assert answer.status_code == 403
    assert read(await mara.get("projects"))["items"] == []


async def test_every_page_has_the_strict_headers(browser: Browser, fleet: str) -> None:
    for path in (fleet, f"{fleet}/devices", "/sign-in", "/projects", "/devices/no-id"):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


async def test_no_page_holds_scripts_or_styles_of_its_own(browser: Browser, fleet: str) -> None:
    for path in (fleet, f"{fleet}/devices", f"{fleet}/adoption", "/sign-in", "/sign-up", "/projects"):
        page = await browser.opened(path)
        assert (
            re.findall(r"<script(?! type=\"module\" src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page) == []
        )
        assert re.findall(r'(?:src|href|action)="(?![/#])[^"]*', page) == []


async def test_files_are_kept_by_browsers_for_ever(browser: Browser) -> None:
    (path,) = set(re.findall(r'href="(/static/page\.\w+\.css)"', await browser.opened("/sign-in")))

    answer = await browser.http.get(path)
    again = await browser.http.get(path, headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert (again.status_code, again.content) == (304, b"")


async def test_modules_import_names_that_are_served(browser: Browser) -> None:
    paths = re.findall(r'src="(/static/[^"]+\.js)"', await browser.opened("/sign-in"))
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        answer = await browser.http.get(path)
        assert (answer.status_code, path) == (200, path)
        seen.add(path)
        paths += set(re.findall(r'"(/static/[^"]+)"', answer.text)) - seen

    assert len(seen) == 6


async def test_markup_of_people_and_devices_stays_text(browser: Browser, mara: Caller) -> None:
    project = made(await mara.post("projects", {"name": MARKUP}))["id"]
    labels = {"site": MARKUP.replace(",", "")}
    device = made(await mara.post(f"projects/{project}/devices", {"name": MARKUP, "labels": labels}))["id"]
    key = made(await mara.post(f"devices/{device}/api_keys", {"label": MARKUP}))
    await Caller(mara.http, key_of(key)).post(f"devices/{device}/firmware_version", {"version": MARKUP})
    made(await mara.post(f"projects/{project}/desired_versions", {"versions": [MARKUP], "labels": labels}))

    pages = [
        await browser.opened("/projects"),
        await browser.opened(f"/projects/{project}"),
        await browser.opened(f"/projects/{project}/devices", name=MARKUP[:20], labels=f"site={labels['site']}"),
        await browser.opened(f"/projects/{project}/devices", version=MARKUP),
        await browser.opened(f"/devices/{device}"),
        (await browser.get("/sign-in", next=f"/{MARKUP}")).text,
        (await browser.get("/sign-up", invitation=MARKUP)).text,
        (await browser.get(f"/projects/{project}/devices", version=f"<{MARKUP}<")).text,
        (await browser.get("/invitation", secret=MARKUP)).text,
        (await browser.get("/new-password", code=MARKUP)).text,
        (await browser.get(f"/{MARKUP}")).text,
    ]

    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
        assert MARKUP not in page
    assert all(MARKUP in text_of(page) for page in (pages[0], pages[1], pages[4]))


@pytest.mark.parametrize(
    "at", ["2026-02-01", "2026-04-01", "2026-05-10T07:59:59Z", "2026-05-15", "2026-05-25", "2026-06-01"]
)
async def test_the_fleet_at_a_moment_is_what_the_api_answers(
    browser: Browser, mara: Caller, fleet: str, at: str
) -> None:
    counted = read(await mara.get(f"{fleet[1:]}/firmware_versions", at=at))["items"]

    page = await browser.opened(fleet, at=at, part="state")

    rows = re.findall(r"component=main&amp;version=([^&\"]+)[^>]*>.*?</a></td><td class=\"number\">([\d,]+)</td>", page)
    assert [(version, int(devices)) for version, devices in rows] == [
        (one["version"], one["devices"]) for one in counted
    ]


async def test_charts_of_a_large_fleet_are_loaded_after_the_page(
    browser: Browser, fleet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.fleet, "MAX_DEVICES_AT_ONCE", 0)

    page = await browser.opened(fleet, at="2026-05-15")
    later = [unescape(path) for path in re.findall(r'data-fragment="([^"]+)"', page)]
    chart, rollout = [await browser.opened(path) for path in later]

    assert 'class="chart"' not in page
    assert 'id="fragment"' in chart
    assert "Shares of the versions of main" in chart
    assert 'id="fragment"' in rollout
    assert "Rollout of" in text_of(rollout)


async def test_the_table_of_devices_is_the_list_of_the_api(browser: Browser, mara: Caller, fleet: str) -> None:
    project = fleet.rpartition("/")[2]
    await reporting(mara, project, "valve-1", [("1.4.1", "2026-04-01")], site="berlin")

    then = text_of(await browser.opened(f"{fleet}/devices", at="2026-05-15", version="1.5.*"))
    berlin = text_of(await browser.opened(f"{fleet}/devices", labels="site=berlin"))

    assert "pump-1" in then
    assert "valve-1" not in then
    assert "valve-1" in berlin
    assert "pump-1" not in berlin


async def test_downloads_hold_what_the_table_shows(browser: Browser, mara: Caller, fleet: str) -> None:
    project = fleet.rpartition("/")[2]
    made(await mara.post(f"projects/{project}/devices", {"name": "=1+1"}))

    table = await browser.get(f"{fleet}/devices.csv", at="2026-05-15")
    listed = await browser.get(f"{fleet}/devices.json", at="2026-05-15")

    assert table.headers["Content-Disposition"] == 'attachment; filename="devices.csv"'
    assert "main=1.5.0" in table.text
    assert ",'=1+1," in table.text
    assert listed.json()["items"] == read(await mara.get(f"{fleet[1:]}/devices", at="2026-05-15"))["items"]


async def test_blank_fields_of_a_filter_leave_the_url(browser: Browser, fleet: str) -> None:
    answer = await browser.get(f"{fleet}/devices?name=&version=1.5.0&at=")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{fleet}/devices?version=1.5.0")


async def test_a_filter_that_is_wrong_is_explained(browser: Browser, fleet: str) -> None:
    answer = await browser.get(f"{fleet}/devices", version=">=")

    assert answer.status_code == 422
    assert "version" in text_of(answer.text)


async def test_a_device_shows_each_period_and_when_it_was_heard_of(browser: Browser, fleet: str) -> None:
    devices = await browser.opened(f"{fleet}/devices")
    (path,) = set(re.findall(r'href="(/devices/[0-9a-f-]{36})', devices))

    page = await browser.opened(path)

    assert len(re.findall(r'<tr id="p-', page)) == 4
    assert "Superseded 2026-05-20 08:00:00 UTC" in page


async def test_a_device_is_renamed_retired_and_restored(browser: Browser, mara: Caller, fleet: str) -> None:
    (device,) = read(await mara.get(f"{fleet[1:]}/devices"))["items"]
    path = f"/devices/{device['id']}"

    await browser.post(f"{path}/rename", path, name="pump-one")
    await browser.post(f"{path}/retire", path)
    retired = read(await mara.get(path[1:]))
    await browser.post(f"{path}/restore", path)

    assert retired["name"] == "pump-one"
    assert retired["retired_at"] is not None
    assert read(await mara.get(path[1:]))["retired_at"] is None


async def test_a_new_project_shows_how_its_first_device_reports(browser: Browser, mara: Caller) -> None:
    home = (await browser.post("/projects", "/projects", name="Brand new")).headers["Location"]

    page = (await browser.post(f"{home}/first_device", home, name="pump-1")).text
    ((key_id, secret, device),) = re.findall(
        r'api_key="([^":]+):([^"]+)"\) client.firmware.report\("([^"]+)"', text_of(page)
    )
    waiting = await browser.opened(home)
    made(await Caller(mara.http, (key_id, secret)).post(f"devices/{device}/firmware_version", {"version": "1.0.0"}))

    assert "data-wait=" in waiting
    assert "data-wait=" not in await browser.opened(home)


async def test_a_user_signs_up_on_the_page(browser: Browser) -> None:
    fields = {"email": EMAIL, "name": "Mara", "password": "correct horse battery"}

    short = await browser.post("/sign-up", "/sign-up", **fields | {"password": "short"})
    await browser.post("/sign-up", "/sign-up", **fields)

    assert short.status_code == 422
    assert (await browser.sign_in(EMAIL)).status_code == 303


@pytest.mark.parametrize("settings", [Settings(pages_enabled=False, password_cost=4)])
async def test_without_pages_the_server_has_its_api_alone(http: httpx.AsyncClient) -> None:
    answer = await http.get("/", headers={"Accept": "text/html"})

    assert answer.headers["Location"] == "/docs"
    for page in PAGES:
        assert (await http.request(page.method, page.path)).status_code == 404


async def test_a_login_link_signs_in_once(
    server: Server, database_url: str, http: httpx.AsyncClient, browser: Browser
) -> None:
    await new_user(http, EMAIL)
    link = await make_login_link(database_url, server.url, EMAIL)

    first, second = await browser.get(link), await browser.get(link)

    assert (first.status_code, first.headers["Location"]) == (303, "/projects")
    assert (await browser.get("/projects")).status_code == 200
    assert second.status_code == 401


async def test_a_login_link_ends_after_ten_minutes(
    server: Server, database_url: str, http: httpx.AsyncClient, browser: Browser, clock: Clock
) -> None:
    clock.moment = dt.datetime.now(dt.UTC)  # the command goes by the machine's clock
    await new_user(http, EMAIL)
    link = await make_login_link(database_url, server.url, EMAIL)

    clock.advance(minutes=11)

    assert (await browser.get(link)).status_code == 401


async def test_a_login_link_is_made_for_users_alone(database_url: str) -> None:
    with pytest.raises(BadUser):
        await make_login_link(database_url, "http://server", "nobody@example.com")
