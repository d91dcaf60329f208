-- The owners that every other row belongs to.
--
-- Keys are random UUIDs everywhere: nobody can count or guess them, and on CockroachDB
-- new rows spread over all ranges instead of heating the last one.
create table if not exists projects (
    id         uuid        not null default gen_random_uuid(),
    name       text        not null,
    created_at timestamptz not null default now(),
    constraint projects_pkey primary key (id),
    constraint projects_name_check check (char_length(name) between 1 and 100)
);
