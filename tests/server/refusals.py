"""What a test says of a refusal: its problem document, and the fields it names."""

from __future__ import annotations

from typing import Any

import httpx


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def errors(answer: httpx.Response) -> list[tuple[str, str, str]]:
    problem = assert_problem(answer, 422, "invalid_request")
    return [(error["location"], error["pointer"], error["code"]) for error in problem["errors"]]
