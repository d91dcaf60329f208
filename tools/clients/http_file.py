"""Writes a .http file for httpYac, in editors and in a shell: the answer of a named request gives variables."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tools.clients.flow import TAKEN, URL, Request

FILE = "firmtrail.http"


def files(requests: Iterable[Request]) -> dict[str, str]:
    """Give the text of the one file, by its path."""
    return {FILE: f"@url = {URL}\n\n" + "\n".join(map(_request, requests))}


def _request(request: Request) -> str:
    step = request.step
    query = "?" + "&".join(f"{name}={value}" for name, value in step.query.items()) if step.query else ""
    lines = [f"### {request.title}", f"# {request.summary}", f"# Answers {step.status}."]
    lines += ["# @name seed"] if step.operation_id == "seed" else []
    lines += [f"{request.method} {request.address}{query}"]
    lines += [f"Authorization: Basic {{{{{step.key}_key_id}}}}:{{{{{step.key}_key_secret}}}}"] if step.key else []
    lines += ["Content-Type: application/json", "", json.dumps(step.body)] if step.body else []
    if step.operation_id == "seed":
        lines += ["", *(f"@{name} = {{{{seed.{path}}}}}" for name, path in TAKEN.items())]
    return "\n".join(lines) + "\n"
