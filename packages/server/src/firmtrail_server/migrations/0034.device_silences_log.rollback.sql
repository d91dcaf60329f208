drop table if exists device_silences;
create table if not exists device_silences (
    project_id   uuid        not null,
    device_id    uuid        not null,
    silent_since timestamptz not null,
    found_at     timestamptz not null,
    constraint device_silences_pkey primary key (project_id, device_id)
);
