-- depends: 0033.device_silences
--
-- A silence that has ended stays for 90 days, so that "who came back?" has an answer. The table is made anew with
-- another key: no server has written to it before this migration, and whatever is in it the next sweep finds again.
--
-- The key starts with the device: the sweep goes through the devices in the order of their ids, a stretch at a time, and
-- reads the silences of the same stretch. The index serves the pages of a project, the longest silence first.
-- ended_at is the moment of a report after silent_since; null: the device is silent.
drop table if exists device_silences;
create table if not exists device_silences (
    device_id    uuid        not null,
    silent_since timestamptz not null,
    project_id   uuid        not null,
    found_at     timestamptz not null,
    ended_at     timestamptz,
    constraint device_silences_pkey primary key (device_id, silent_since)
);
create index if not exists device_silences_since_idx
    on device_silences (project_id, silent_since, device_id) include (ended_at);
