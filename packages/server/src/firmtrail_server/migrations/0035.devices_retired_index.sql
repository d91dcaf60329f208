-- depends: 0033.device_silences
--
-- Which devices of a project are out of service: few, so that questions about a whole project leave them out without
-- reading the others.
create index if not exists devices_retired_idx on devices (project_id, id) include (retired_at)
    where retired_at is not null;
