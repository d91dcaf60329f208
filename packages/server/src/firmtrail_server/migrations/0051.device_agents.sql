-- depends: 0049.login_links
--
-- What the agent of each device says of itself: its version, how often it reports, and which of its sources fail. It is
-- written when that changes and not by a report, so a table of its own costs no report anything. There is no foreign
-- key, as in the other tables that devices write: rows of a deleted device are swept up with its history.
create table if not exists device_agents (
    device_id        uuid        not null,
    project_id       uuid        not null,
    version          text        not null,
    interval_seconds int8,
    health           text        not null,
    sources          jsonb       not null,
    spool_error      text,
    changed_at       timestamptz not null,
    constraint device_agents_pkey primary key (device_id),
    constraint device_agents_health_known check (health in ('ok', 'failing'))
);
