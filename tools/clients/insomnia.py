"""Writes an Insomnia export of format 4, which every version since 2020 imports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tools.clients.flow import TAKEN, URL, Request

FILE = "insomnia.json"
_WORKSPACE, _ENVIRONMENT = "wrk_firmtrail", "env_firmtrail"


def files(requests: Iterable[Request]) -> dict[str, str]:
    """Give the text of the one file, by its path."""
    export = {
        "_type": "export",
        "__export_format": 4,
        "__export_source": "firmtrail",
        "resources": [
            {"_id": _WORKSPACE, "_type": "workspace", "parentId": None, "name": "Firmtrail", "scope": "collection"},
            {
                "_id": _ENVIRONMENT,
                "_type": "environment",
                "parentId": _WORKSPACE,
                "name": "Base Environment",
                "data": {"url": URL, **dict.fromkeys(TAKEN, "")},
            },
            *map(_request, requests),
        ],
    }
    return {FILE: json.dumps(export, indent=2, ensure_ascii=False) + "\n"}


def _request(request: Request) -> dict[str, Any]:
    step = request.step
    return {
        "_id": f"req_{request.number:02}_{step.operation_id}",
        "_type": "request",
        "parentId": _WORKSPACE,
        "name": request.title,
        "description": f"{request.summary}\n\n{request.description}".strip(),
        "method": request.method,
        "url": _spaced(request.address),
        "metaSortKey": request.number,
        "parameters": [{"name": name, "value": value} for name, value in step.query.items()],
        "headers": [],
        "body": {"mimeType": "application/json", "text": json.dumps(step.body, indent=2)} if step.body else {},
        "authentication": _authentication(step.key),
        "afterResponseScript": _script(request),
    }


def _authentication(key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    return {"type": "basic", "username": f"{{{{ _.{key}_key_id }}}}", "password": f"{{{{ _.{key}_key_secret }}}}"}


def _script(request: Request) -> str:
    """Keep what the next requests need, and test the answer as Insomnia's runner does."""
    step = request.step
    lines = [
        f"insomnia.test('answers {step.status}', () => insomnia.expect(insomnia.response.code).to.eql({step.status}));"
    ]
    if step.shows:
        way, value = step.shows
        found = f"insomnia.response.json().{way}"
        lines.append(f"insomnia.test('{way}', () => insomnia.expect({found}).to.eql({json.dumps(value)}));")
    if step.operation_id == "seed":
        lines += [
            f"insomnia.baseEnvironment.set('{name}', insomnia.response.json().{path});" for name, path in TAKEN.items()
        ]
    return "\n".join(lines)


def _spaced(address: str) -> str:
    """Write {{name}} as Insomnia does: {{ _.name }}."""
    return address.replace("{{", "{{ _.").replace("}}", " }}")
