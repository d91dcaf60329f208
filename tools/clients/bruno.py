"""Writes a Bruno collection, a file for each request, in Bru: https://docs.usebruno.com/bru-lang/overview."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tools.clients.flow import TAKEN, URL, Request

FOLDER = "bruno"


def files(requests: Iterable[Request]) -> dict[str, str]:
    """Give the text of each file, by its path."""
    collection = {"version": "1", "name": "Firmtrail", "type": "collection"}
    return {
        f"{FOLDER}/bruno.json": json.dumps(collection, indent=2) + "\n",
        f"{FOLDER}/environments/local.bru": _block("vars", [f"url: {URL}"]),
        **{f"{FOLDER}/{request.title}.bru": _request(request) for request in requests},
    }


def _request(request: Request) -> str:
    step = request.step
    body, auth = "json" if step.body else "none", "basic" if step.key else "none"
    blocks = [
        _block("meta", [f"name: {request.title}", "type: http", f"seq: {request.number}"]),
        _block(
            request.method.lower(), [f"url: {request.address}{_query(step.query)}", f"body: {body}", f"auth: {auth}"]
        ),
    ]
    if step.query:
        blocks.append(_block("params:query", [f"{name}: {value}" for name, value in step.query.items()]))
    if step.key:
        login = {"username": f"{step.key}_key_id", "password": f"{step.key}_key_secret"}
        blocks.append(_block("auth:basic", [f"{name}: {{{{{value}}}}}" for name, value in login.items()]))
    if step.body:
        blocks.append(_block("body:json", json.dumps(step.body, indent=2).splitlines()))
    if step.operation_id == "seed":
        blocks.append(_block("vars:post-response", [f"{name}: res.body.{path}" for name, path in TAKEN.items()]))
    shown = [f"res.body.{step.shows[0]}: eq {step.shows[1]}"] if step.shows else []
    blocks.append(_block("assert", [f"res.status: eq {step.status}", *shown]))
    blocks.append(_block("docs", [request.summary, "", *request.description.splitlines()]))
    return "\n".join(blocks)


def _query(query: Mapping[str, str]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""


def _block(name: str, lines: Iterable[str]) -> str:
    inside = "\n".join(f"  {line}".rstrip() for line in lines)
    return f"{name} {{\n{inside}\n}}\n"
