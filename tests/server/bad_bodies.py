"""Bodies that cost a server as much as a body of their size can, or are meant to; nearly all of them are refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import attrs

from tests.server.conftest import Demo

_BODY = 64 * 1024 - 64
_TABLE = 4 * 1024 * 1024 - 64


@attrs.frozen
class Bad:
    """One request."""

    path: str
    auth: tuple[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    headers: dict[str, str]


def bad_requests(demo: Demo) -> Iterator[Bad]:
    """Tables, batches and bodies of a device and of an admin."""
    for table in _TABLES:
        for kind in ("application/x-ndjson", "text/csv"):
            headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
            path = f"/v1/projects/{demo.project_id}/devices/import?dry_run=true"
            yield Bad(path, demo.project_key, gzip.compress(table.encode()[:_TABLE], 1), headers)
    for body in _BODIES:
        headers = {"Content-Type": "application/json"}
        for path in (demo.path, demo.path.replace("firmware_version", "firmware_reports")):
            yield Bad(path, demo.device_key, body.encode(), headers)
        yield Bad(f"/v1/projects/{demo.project_id}/devices", demo.project_key, body.encode(), headers)


def _filled(size: int, start: str, item: str, end: str, between: str = ",") -> str:
    """Repeat an item, numbered where it says so, until nothing more fits."""
    items: list[str] = []
    left = size - len(start) - len(end)
    while (left := left - len(one := item.replace("#", str(len(items)))) - len(between)) >= 0:
        items.append(one)
    return start + between.join(items) + end


def _batch(record: Any) -> str:
    reading = {"boot_id": "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b", "boot_sequence": 1, "boot_time_ms": 1}
    return json.dumps({"sent": reading, "records": [record] * 64})


_TABLES = [
    _filled(_TABLE, '{"name":"a",', '"x#":1', "}"),
    _filled(_TABLE, '{"name":"a","labels":{', '"l#":"1"', "}}"),
    _filled(_TABLE, '{"name":"a","x":[', "[]", "]}"),
    _filled(500_000, "name\n", '{"a#":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}', "\n", "\n"),
    _filled(190_000, "name\n", '{"name":"pump #"}', "\n", "\n"),
    _filled(_TABLE, "name\n", '{"name":"a","x":[' + "[]," * 20_000 + "1]}", "\n", "\n"),
    _filled(_TABLE, "name", ",labels.l#", "\n"),
    "name\n" + " \n" * (_TABLE // 2),
    "name\n" + "\U0001f600" * (_TABLE // 4),
]
_BODIES = [
    _filled(_BODY, "{", '"x#":1', "}"),
    _filled(_BODY, '{"name":"a","version":"1","labels":{', '"l#":1', "}}"),
    _filled(_BODY, '{"records":[', "{}", "]}"),
    _filled(_BODY, '{"version":[', "[]", "]}"),
    "[" * 900 + "]" * 900,
    _batch({f"x{number}": 1 for number in range(80)}),
    _batch({"first_observed": {}, "components": [{"component": 1}] * 20}),
    json.dumps({"version": "\ud800"}),
    '{"version": "1"',
]
