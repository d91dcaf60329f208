-- depends: 0053.device_history_gaps
--
-- Webhooks: a URL that the changes of a project's feed are sent to, and how far each has come. A project has at most ten.
--
-- delivered_number is the cursor: changes up to it were taken by the receiver or left out by the filters. It moves after
-- the receiver's answer, in the statement that stores the delivery, so a process that dies in between delivers once more
-- and skips nothing.
--
-- The secrets stand here as they are: whoever signs needs them. Who reads this table can forge deliveries to receivers,
-- and nothing else (docs/decisions/0021-webhooks.md). old_secret signs too until old_secret_until.
create table if not exists webhooks (
    id               uuid        not null default gen_random_uuid(),
    project_id       uuid        not null,
    url              text        not null,
    label            text        not null,
    kinds            jsonb       not null default '[]',
    component        text,
    labels           text,
    secret           text        not null,
    old_secret       text,
    old_secret_until timestamptz,
    created_by       uuid        not null,
    created_at       timestamptz not null,
    delivered_number bigint      not null,
    failing_since    timestamptz,
    failed_attempts  bigint      not null default 0,
    next_attempt_at  timestamptz not null,
    paused_at        timestamptz,
    pause_reason     text,
    constraint webhooks_pkey primary key (project_id, id),
    constraint webhooks_project_id_fkey foreign key (project_id) references projects (id),
    constraint webhooks_pause_reason_check check ((paused_at is null) = (pause_reason is null))
);
