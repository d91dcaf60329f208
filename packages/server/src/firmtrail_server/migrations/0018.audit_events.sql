-- depends: 0001.projects
--
-- Who changed what, when and from where. Rows are added and never changed or deleted, also not when
-- the project or the actor they name is: there are no foreign keys, and names stand here as they were.
-- Reports are no changes in this sense and leave no row; no secret is ever part of one.
-- What users do outside of projects stands under the user's own id in the place of the project's.
create table if not exists audit_events (
    id          uuid        not null default gen_random_uuid(),
    project_id  uuid        not null,
    occurred_at timestamptz not null,
    action      text        not null,
    actor_kind  text        not null,
    actor_id    uuid,
    actor_name  text        not null,
    target_id   uuid        not null,
    target_name text        not null,
    details     jsonb       not null default '{}',
    address     text        not null,
    request_id  text        not null,
    constraint audit_events_pkey primary key (id),
    constraint audit_events_actor_kind_check check (actor_kind in ('user', 'api_key', 'operator'))
);
