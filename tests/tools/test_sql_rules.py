"""Every rule of the SQL lint finds what it is there for, and leaves its portable neighbours alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint_sql import findings_in
from sql_rules import RULES
from sql_sources import sources_in

TABLES = """
create table devices (
    id uuid not null,
    project_id uuid not null,
    name text not null,
    retired_at timestamptz,
    constraint devices_pkey primary key (id)
);
create table owners (device_id uuid, email text, constraint owners_pkey primary key (device_id, email));
alter table devices add column label text;
alter table devices alter column label set not null;
alter table owners add column left_at timestamptz;
"""

BAD = {
    "advisory-lock": ["select pg_advisory_xact_lock(1)", "select pg_try_advisory_lock(1)"],
    "listen-notify": ["listen reports", "notify reports, 'x'", "select pg_notify('reports', 'x')"],
    "date-bin": ["select date_bin('1 hour', created_at, now()) from devices"],
    "merge": ["merge into devices using input on true when matched then delete"],
    "truncate-restart-identity": ["truncate devices restart identity"],
    "domain": ["create domain version as text"],
    "range-type": ["create table t (during tstzrange not null)", "select int4range(1, 2)"],
    "exclude-constraint": ["create table t (a int, exclude using gist (a with =))"],
    "deferrable": ["create table t (a int unique deferrable initially deferred)", "set constraints all deferred"],
    "nulls-not-distinct": ["create unique index i on devices (label) nulls not distinct"],
    "grouping-sets": [
        "select name from devices group by grouping sets ((name), ())",
        "select name from devices group by rollup (name)",
        "select name from devices group by cube (name)",
    ],
    "brin-or-hash-index": [
        "create index i on devices using brin (created_at)",
        "create index i on devices using hash (name)",
    ],
    "partition": [
        "create table t (a int) partition by range (a)",
        "create table t1 partition of t for values from (1) to (2)",
    ],
    "on-conflict-expression": ["insert into devices (name) values ('a') on conflict (lower(name)) do nothing"],
    "repeated-write": [
        "with a as (update devices set name = 'a'), b as (delete from devices) select 1",
        "with gone as (delete from devices returning id) insert into devices (id) select id from gone",
    ],
    "sequence": [
        "create table t (id bigserial primary key)",
        "create table t (id bigint generated always as identity)",
        "create sequence numbers",
        "select nextval('numbers')",
    ],
    "select-star": [
        "select * from devices",
        "select devices.* from devices",
        "delete from devices returning *",
        "select id, d.* from devices as d",
    ],
    "integer-division": [
        "select report_count / 2 from devices",
        "select count(*) / count(distinct name) from devices",
        "select 1.5::float8, (a + b) / c from devices",
    ],
    "unplaced-nulls": [
        "select id from devices order by retired_at",
        "select id from devices as d order by d.name, d.retired_at desc limit 1",
        "select row_number() over (order by retired_at) from devices",
        "select left_at from owners order by left_at",
    ],
    "order-by-cast": [
        "select device_id::text from device_firmware order by device_id",
        "select device_id::text as device_id, version from device_firmware order by version, device_id",
    ],
    "for-update": [
        "select id from devices for update",
        "select id from devices for no key update",
        "select 1 for share",
    ],
    "returning-old-new": ["update devices set name = 'a' returning old.name"],
    "plpgsql": ["do $$ begin null; end $$", "create function f() returns int language plpgsql as $$ $$"],
}

GOOD = {
    "advisory-lock": ["update leases set holder = 'a' where expires_at < now()"],
    "listen-notify": ["select id from devices where name = 'listen reports'"],
    "date-bin": ["select date_trunc('hour', created_at) from devices"],
    "merge": ["update devices set name = input.name from input where input.id = devices.id"],
    "truncate-restart-identity": ["truncate devices"],
    "domain": ["create table t (version text, constraint t_check check (version <> ''))"],
    "range-type": ["create table t (first_at timestamptz not null, last_at timestamptz not null)"],
    "exclude-constraint": [
        "select sum(a) over (order by name rows between 1 preceding and 1 following exclude current row) from devices"
    ],
    "deferrable": ["create table t (a int unique)"],
    "nulls-not-distinct": ["create unique index i on devices (name) where label is null"],
    "grouping-sets": ["select name from devices group by name"],
    "brin-or-hash-index": ["create index i on devices using btree (name)", "select 1 from a join b using (hash)"],
    "partition": ["select row_number() over (partition by name order by id) from devices"],
    "on-conflict-expression": [
        "insert into devices (id, name) values ('a', 'b') on conflict (id, name) where label is null do nothing"
    ],
    "repeated-write": [
        "insert into devices as d (id) select id from devices on conflict (id) do update set name = 'a'",
        "with a as (insert into devices (id) values (1) returning id) insert into owners (device_id) select id from a",
        "create table t (a uuid references devices (id) on delete cascade on update cascade)",
    ],
    "sequence": [
        "create table t (serial text not null, total int generated always as (a + b) stored)",
        "set default_transaction_isolation = serializable",
    ],
    "select-star": ["select count(*) from devices", "select 2 * report_count from devices"],
    "integer-division": [
        "select floor(a::float8 / b) from devices",
        "select a / b::decimal from devices",
        "select extract(epoch from last_at - first_at) / 60 from devices",
        "select count(*) / 2.0 from devices",
        "select '1/2' from devices -- 1/2",
    ],
    "unplaced-nulls": [
        "select id from devices order by retired_at nulls last, name",
        "select id from devices order by label",
        "select email from owners order by device_id, email",
        "select last_at from elsewhere order by last_at",
    ],
    "order-by-cast": [
        "select device_id::text as device from device_firmware order by device_id",
        "select device_id::text from device_firmware as f order by f.device_id",
    ],
    "for-update": [
        "select id from devices for update skip locked",
        "select id from devices for update of devices skip locked",
        "select version from device_firmware for update of device_firmware",
    ],
    "returning-old-new": ["update devices set name = 'a' returning name as new_name"],
    "plpgsql": ["insert into devices (name) values ('a') on conflict (name) do nothing"],
}


def rules_broken_by(sql: str, folder: Path) -> list[str]:
    (folder / "0001.tables.sql").write_text(TABLES)
    (folder / "statement.sql").write_text(sql)
    sources = [*sources_in(folder / "0001.tables.sql"), *sources_in(folder / "statement.sql")]
    return [finding.split(": ")[1] for finding in findings_in(sources)]


def cases(examples: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, sql) for rule, texts in examples.items() for sql in texts]


@pytest.mark.parametrize(("rule", "sql"), cases(BAD))
def test_a_rule_finds_what_it_is_there_for(rule: str, sql: str, tmp_path: Path) -> None:
    assert rule in rules_broken_by(sql, tmp_path)


@pytest.mark.parametrize(("rule", "sql"), cases(GOOD))
def test_a_rule_leaves_portable_statements_alone(rule: str, sql: str, tmp_path: Path) -> None:
    assert rule not in rules_broken_by(sql, tmp_path)


def test_every_rule_has_a_bad_and_a_good_example() -> None:
    names = {rule.name for rule in RULES}

    assert set(BAD) == names
    assert set(GOOD) == names


def test_keywords_are_found_in_capitals_too(tmp_path: Path) -> None:
    assert rules_broken_by("SELECT * FROM devices ORDER BY retired_at", tmp_path) == ["select-star", "unplaced-nulls"]
