"""From the document's text and values to HTML. Everything that is not markup is escaped here."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from tools.openapi.schemas import Schema

_CODE_SPAN = re.compile(r"`([^`]+)`")
_JSON_TOKEN = re.compile(
    r'(?P<key>"(?:\\.|[^"\\])*"(?=:))|(?P<text>"(?:\\.|[^"\\])*")|(?P<word>[-\d.]+|true|false|null)'
)


def prose(text: str) -> str:
    """Escape a line of text; what stands between backticks is code."""
    return _CODE_SPAN.sub(r"<code>\1</code>", escape(text))


def blocks(text: str) -> str:
    return "".join(f"<p>{prose(part)}</p>" for part in text.split("\n\n") if part)


def json_block(value: Any) -> str:
    """Show a value as coloured JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    parts: list[str] = []
    end = 0
    for match in _JSON_TOKEN.finditer(text):
        parts.append(escape(text[end : match.start()], quote=False))
        parts.append(f'<span class="{match.lastgroup}">{escape(match.group(), quote=False)}</span>')
        end = match.end()
    return code_block("".join([*parts, escape(text[end:], quote=False)]))


def code_block(markup: str) -> str:
    return f"<pre><code>{markup}</code></pre>"


def fields(properties: dict[str, Schema], required: list[str] | None) -> str:
    """List fields or parameters with their types, limits and descriptions; say which are required if asked to."""
    rows = [_field(name, schema, _mark(name, required)) for name, schema in properties.items()]
    return f'<dl class="fields">{"".join(rows)}</dl>'


def _mark(name: str, required: list[str] | None) -> str:
    if required is None:
        return ""
    mark = "required" if name in required else "optional"
    return f'<span class="{mark}">{mark}</span>'


def _field(name: str, schema: Schema, mark: str) -> str:
    text = f"<p>{prose(schema['description'])}</p>" if "description" in schema else ""
    return (
        f"<div><dt><code>{escape(name)}</code> {kind(schema)} {mark}</dt>"
        f"<dd>{text}{_limits(schema)}{_pattern(schema)}</dd></div>"
    )


def kind(schema: Schema) -> str:
    """Name the type of a schema; models are links to where they are described."""
    return f'<span class="kind">{_kind(schema)}</span>'


def _kind(schema: Schema) -> str:
    match schema:
        case {"$ref": reference}:
            name = escape(reference.rpartition("/")[2])
            return f'<a href="#schema-{name}">{name}</a>'
        case {"anyOf": choices}:
            return " or ".join(_kind(choice) for choice in choices)
        case {"type": "array", "items": items}:
            return f"array of {_kind(items)}"
        case {"type": [name, "null"]}:
            return f"{_kind(schema | {'type': name})} or null"
        case _:
            return escape(schema.get("format", schema["type"]))


def _limits(schema: Schema) -> str:
    limits: list[str] = []
    if "minLength" in schema:
        limits.append(f"{schema['minLength']:,} to {schema['maxLength']:,} characters")
    if "minimum" in schema:
        limits.append(f"{schema['minimum']:,} to {schema['maximum']:,}")
    if "default" in schema:
        limits.append(f"default <code>{escape(json.dumps(schema['default'], ensure_ascii=False))}</code>")
    return f'<p class="limits">{" · ".join(limits)}</p>' if limits else ""


def _pattern(schema: Schema) -> str:
    if "pattern" not in schema:
        return ""
    return f"<details><summary>Pattern</summary><code>{escape(schema['pattern'])}</code></details>"
