"""What the stand-in answers, as a table, and the way of a request through it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from firmtrail.testing import adoption, api_keys, batches, devices, fleet, history, projects, reports, silences
from firmtrail.testing.access import Key
from firmtrail.testing.refusals import NotAnswered, Refused, no_device
from firmtrail.testing.request import Created, Request, converter
from firmtrail.testing.state import State
from firmtrail_contract import AccessToken, OAuthErrorCode, OAuthRefusal, ProblemCode
from firmtrail_contract.problems import problem_of

TOKEN_PATH = "/v1/oauth/token"  # noqa: S105  a path
_NO_CONTENT, _CREATED, _OK = 204, 201, 200
_CURRENT = "current"


class Route(NamedTuple):
    """An endpoint: `{name}` in its path stands for an id."""

    method: str
    path: str
    answer: Callable[[State, Request], Any]
    scope: str


_PROJECT, _DEVICE = "/v1/projects/{project_id}", "/v1/devices/{device_id}"

ROUTES = (
    Route("GET", "/v1/projects/current", projects.get_current_project, "own_key:read"),
    Route("POST", f"{_PROJECT}/devices", devices.create_device, "devices:write"),
    Route("GET", f"{_PROJECT}/devices", devices.list_devices, "devices:read"),
    Route("GET", _DEVICE, devices.get_device, "devices:read"),
    Route("PATCH", _DEVICE, devices.change_device, "devices:write"),
    Route("DELETE", _DEVICE, devices.delete_device, "devices:delete"),
    Route("POST", f"{_DEVICE}/retire", devices.retire_device, "devices:write"),
    Route("POST", f"{_DEVICE}/restore", devices.restore_device, "devices:write"),
    Route("POST", f"{_DEVICE}/firmware_version", reports.report_firmware_version, "firmware:report"),
    Route("GET", f"{_DEVICE}/firmware_version", history.list_firmware_versions, "firmware:read"),
    Route("POST", f"{_DEVICE}/firmware_reports", batches.report_firmware_batch, "firmware:report"),
    Route(
        "POST",
        f"{_PROJECT}/firmware_reports",
        reports.report_firmware_for_devices,
        "firmware:report_for_devices",
    ),
    Route("GET", f"{_PROJECT}/firmware_versions", fleet.count_firmware_versions, "firmware:read"),
    Route("GET", f"{_PROJECT}/fleet_status", fleet.get_fleet_status, "firmware:read"),
    Route("GET", f"{_PROJECT}/silent_devices", silences.list_silent_devices, "devices:read"),
    Route("GET", f"{_PROJECT}/rollbacks", fleet.list_rollbacks, "firmware:read"),
    Route("GET", f"{_PROJECT}/adoption", adoption.get_adoption, "firmware:read"),
    Route("POST", f"{_PROJECT}/api_keys", api_keys.create_api_key, "keys:write"),
    Route("GET", f"{_PROJECT}/api_keys", api_keys.list_api_keys, "keys:read"),
    Route("DELETE", f"{_PROJECT}/api_keys/{{api_key_id}}", api_keys.delete_api_key, "keys:write"),
    Route("POST", f"{_DEVICE}/api_keys", api_keys.create_device_api_key, "keys:write"),
    Route("GET", f"{_DEVICE}/api_keys", api_keys.list_device_api_keys, "keys:read"),
    Route("DELETE", f"{_DEVICE}/api_keys/{{api_key_id}}", api_keys.delete_device_api_key, "keys:write"),
)


def respond(state: State, asked: httpx.Request) -> tuple[httpx.Response, Key | None]:
    """Answer a request; say whose it was.

    Raises:
        NotAnswered: it is none of those that the stand-in answers.
    """
    request_id, caller = str(uuid.uuid4()), None
    authorization = asked.headers.get("Authorization", "")
    try:
        if (asked.method, asked.url.path) == ("POST", TOKEN_PATH):
            return _token(state, authorization), None
        route, named = _found(asked)
        caller = state.credentials.caller(authorization, state.now())
        caller.require(route.scope)
        answer = route.answer(state, _read(state, asked, caller, named))
    except Refused as refused:
        problem = problem_of(refused.code, refused.detail, request_id, refused.errors)
        headers = refused.headers | {"Content-Type": "application/problem+json"}
        response = httpx.Response(problem.status, json=converter.unstructure(problem), headers=headers)
    else:
        response = _answered(answer)
    response.headers["X-Request-Id"] = request_id
    return response, caller


def _token(state: State, authorization: str) -> httpx.Response:
    try:
        granted: AccessToken = state.credentials.grant(authorization, state.now())
    except Refused as refused:
        refusal = OAuthRefusal(error=OAuthErrorCode.INVALID_CLIENT, error_description=refused.detail)
        return httpx.Response(401, json=converter.unstructure(refusal), headers=refused.headers)
    plain: dict[str, Any] = converter.unstructure(granted)
    return httpx.Response(200, json={name: value for name, value in plain.items() if value is not None})


def _found(asked: httpx.Request) -> tuple[Route, dict[str, str]]:
    """Find the endpoint, and what its path names."""
    for route in ROUTES:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
        if route.method == asked.method and (match := re.fullmatch(pattern, asked.url.path)):
            return route, match.groupdict()
    raise NotAnswered(f"{asked.method} {asked.url.path}")


def _read(state: State, asked: httpx.Request, caller: Key, named: dict[str, str]) -> Request:
    """Read what the path names, and refuse what the caller does not know."""
    project = named.pop("project_id", _CURRENT)
    if project not in {_CURRENT, str(state.project.id)}:
        raise Refused(ProblemCode.NOT_FOUND, f"You know no project {project}.")
    ids = {name: uuid.UUID(text) for name, text in named.items()}
    if caller.device_id is not None and "device_id" in ids and ids["device_id"] != caller.device_id:
        raise no_device(ids["device_id"])
    return Request(
        method=asked.method,
        path=asked.url.path,
        query=dict(asked.url.params),
        content=asked.content,
        caller=caller,
        ids=ids,
    )


def _answered(answer: Any) -> httpx.Response:
    if answer is None:
        return httpx.Response(_NO_CONTENT)
    if isinstance(answer, Created):
        return httpx.Response(_CREATED, json=converter.unstructure(answer.model))
    return httpx.Response(_OK, json=converter.unstructure(answer))
