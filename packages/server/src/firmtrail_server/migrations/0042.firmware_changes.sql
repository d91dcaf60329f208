-- depends: 0041.firmware_changes_new
--
-- The log of the feed: changes with their numbers, 1, 2, 3, ... in each project. They are kept for 90 days, by numbered_at,
-- which is the database's moment: servers' clocks differ.
create table if not exists firmware_changes (
    project_id        uuid        not null,
    number            bigint      not null,
    device_id         uuid        not null,
    change_number     bigint      not null,
    component         text        not null,
    kind              text        not null,
    version           text,
    previous_version  text,
    first_reported_at timestamptz,
    tie_rank          bigint,
    period_id         uuid,
    silent_since      timestamptz,
    ended_at          timestamptz,
    recorded_at       timestamptz not null,
    numbered_at       timestamptz not null default now(),
    constraint firmware_changes_pkey primary key (project_id, number)
);
