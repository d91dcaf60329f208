"""The database takes every statement of the server, and its columns are those that the code makes something of."""

from __future__ import annotations

import datetime as dt
import enum
import types
import typing
import uuid
from collections.abc import Generator
from typing import Any

import attrs
import psycopg
import pytest

from tests.conftest import made_database
from tests.server.result_columns import Column, StatementRefused, result_columns
from tests.server.statements import Statement, find_statements, row_models

STATEMENTS = find_statements()
QUERIES = [statement for statement in STATEMENTS if statement.is_query]

_BOOT = {
    "boot_id": uuid.UUID | None,
    "started_at": dt.datetime | None,
    "source": str | None,
    "reported_until": dt.datetime | None,
    "boot_sequence": int | None,
    "recorded_at": dt.datetime | None,
    "stretches": dict[str, Any] | None,
    "api_key_id": uuid.UUID | None,
}
_EXPORTED = {
    "device_id": uuid.UUID,
    "device_name": str,
    "component": str,
    "period_id": uuid.UUID,
    "version": str,
    "first_reported_at": dt.datetime,
    "last_reported_at": dt.datetime,
    "superseded_at": dt.datetime | None,
    "report_count": int,
    "recorded_at": dt.datetime,
}
_EXPORTED_TO_ARROW = {**_EXPORTED, "device_id": str, "period_id": str}
_COMPARED = {"project_id": uuid.UUID, "component": str, "device_id": uuid.UUID, "case": str | None}
#: what is unpacked by hand, in the order in which that happens
UNPACKED = {
    "boots.list_remembered": _BOOT,
    "boots.list_starts": {name: _BOOT[name] for name in ("started_at", "source", "stretches")},
    "boots.find_named": {"position": int, **_BOOT},
    "device_versions.compare_open_periods": _COMPARED,
    "device_versions.compare_derived_rows": _COMPARED,
    "device_versions.lock": {"version": str},
    "firmware_feeds.plan_by_key": {"set_config": str | None},
    "exports.copy_rows": _EXPORTED,
    "exports.copy_rows_of": _EXPORTED,
    "exports.read_batches": _EXPORTED_TO_ARROW,
    "exports.read_batches_of": _EXPORTED_TO_ARROW,
    "exports.find_stretch": {"id": uuid.UUID},
    "history.has_reported": {"?column?": int},
    "history.live_since": {"device_id": uuid.UUID, "min": dt.datetime | None},
    "reports.get_key": {"project_id": uuid.UUID, "is_unused": bool},
    "reports.list_devices_of_gateway": {"id": uuid.UUID | None},
    "reports.extend_period": {"last_reported_at": dt.datetime},
    "reports.extend_histories": {"position": int, "first_at": dt.datetime, "outcome": str | None},
    "silences.find_stretch": {"id": uuid.UUID},
}
#: by model, what a table lets be null, and the code that writes it does not
NEVER_NULL = {
    "EnrollmentKey": [Column("expires_at", "timestamptz", may_be_null=True)],  # NewEnrollmentKey asks for it
}

_COLUMN_TYPES: dict[object, set[str]] = {
    uuid.UUID: {"uuid"},
    dt.datetime: {"timestamptz"},
    bytes: {"bytea"},
    bool: {"bool"},
    int: {"int2", "int4", "int8"},
    float: {"float8"},
    str: {"text"},
}


@pytest.fixture(scope="module")
def conn(postgres: psycopg.Connection, cluster_url: str, template_database: str) -> Generator[psycopg.Connection]:
    """A connection to a migrated database, in which nothing is ever written."""
    for url in made_database(postgres, cluster_url, template_database):
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def columns_of(conn: psycopg.Connection, statement: Statement) -> list[Column]:
    return result_columns(conn, statement.source.text, statement.source.parameters, statement.hints)


def by_name(statements: list[Statement]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("statement", statements, ids=[statement.name for statement in statements])


@by_name(STATEMENTS)
def test_the_database_prepares_the_statement(statement: Statement, conn: psycopg.Connection) -> None:
    columns_of(conn, statement)


@by_name([statement for statement in QUERIES if statement.model])
def test_columns_are_the_fields_of_the_model(statement: Statement, conn: psycopg.Connection) -> None:
    model: type[Any] | None = statement.model
    assert model is not None
    names = [column.name for column in columns_of(conn, statement)]
    if not attrs.has(model):  # a named tuple
        ordered = [*typing.get_type_hints(model)]
        assert names == ordered[: len(names)]
        assert set(ordered[len(names) :]) <= set(vars(model)["_field_defaults"])
        return
    fields = attrs.fields(model)

    assert len(set(names)) == len(names)
    assert {field.name for field in fields if field.default is attrs.NOTHING} <= set(names)
    assert set(names) <= {field.name for field in fields}


@by_name([statement for statement in QUERIES if statement.model])
def test_columns_have_the_types_of_the_fields(statement: Statement, conn: psycopg.Connection) -> None:
    assert statement.model is not None
    hints = typing.get_type_hints(statement.model)

    misfits = [column for column in columns_of(conn, statement) if not fits(column, hints[column.name])]
    assert misfits == NEVER_NULL.get(statement.model.__name__, [])


@by_name([statement for statement in QUERIES if not statement.model])
def test_columns_without_a_model_are_those_unpacked(statement: Statement, conn: psycopg.Connection) -> None:
    columns = columns_of(conn, statement)
    expected = UNPACKED.get(statement.name)
    hints = list(expected.values()) if expected else unpacked(statement)

    assert expected is None or [column.name for column in columns] == list(expected)
    assert len(columns) in {len(hints), 0}
    assert [column for column, hint in zip(columns, hints, strict=False) if not fits(column, hint)] == []


def unpacked(statement: Statement) -> list[Any]:
    """What a function returns says what it takes from a row: `list[tuple[str, int]]`, `list[str]` or `str | None`."""
    returned = statement.hints["return"]
    of_a_row = typing.get_args(returned)[0] if typing.get_origin(returned) is list else returned
    return list(typing.get_args(of_a_row)) if typing.get_origin(of_a_row) is tuple else [of_a_row]


def fits(column: Column, hint: Any) -> bool:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if column.may_be_null and types.NoneType not in kinds:
        return False
    return any(column.type in column_types(kind) for kind in kinds)


def column_types(kind: Any) -> set[str]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return {"jsonb", *(f"{name}[]" for name in column_types(arguments[0]))}
    if origin is dict:
        return {"jsonb"}
    return _COLUMN_TYPES.get(str if isinstance(kind, enum.EnumType) else kind, set())


def test_every_model_of_rows_belongs_to_one_statement() -> None:
    modules = {statement.module.__name__: statement.module for statement in QUERIES}
    functions = [f"{name}.{function}" for name, module in modules.items() for function in row_models(module)]

    found = [f"{one.module.__name__}.{one.source.name}" for one in QUERIES if one.model]
    assert sorted(found) == sorted(functions)


def test_what_is_unpacked_by_hand_is_named_only_while_there_are_such() -> None:
    assert set(UNPACKED) <= {statement.name for statement in QUERIES}


@pytest.mark.parametrize(
    ("text", "may_be_null"),
    [
        ("select retired_at from devices", True),
        ("select name from devices", False),
        ("select retired_at from devices where retired_at is not null and true", False),
        ("select retired_at from devices where retired_at > now()", False),
        ("select retired_at from devices where retired_at > now() or true", True),
        ("select retired_at from devices where retired_at is distinct from now()", True),
        ("update devices set retired_at = null where retired_at > now() returning retired_at", True),
        ("select a.expires_at from api_keys as a, project_invitations as b where b.expires_at > now()", True),
        ("select a.expires_at from api_keys as a, project_invitations as b where a.expires_at > now()", False),
        ("select d.name from projects left join devices as d on true", True),
        ("select d.name from devices as d left join projects on true", False),
        ("select d.name from devices as d right join projects on true", True),
        ("select name from devices union all select null", True),
        ("select null::text", True),
        ("update devices set name = 'a' returning retired_at", True),
    ],
)
def test_nulls_are_known_from_tables_joins_and_conditions(
    text: str,
    may_be_null: bool,  # noqa: FBT001
    conn: psycopg.Connection,
) -> None:
    [column] = result_columns(conn, text)

    assert column.may_be_null == may_be_null


@pytest.mark.parametrize(
    "text", ["select no_such_column from devices", "select {name} from devices", "select 1 + $1 || 2"]
)
def test_a_statement_that_is_wrong_is_refused(text: str, conn: psycopg.Connection) -> None:
    with pytest.raises(StatementRefused):
        result_columns(conn, text)
