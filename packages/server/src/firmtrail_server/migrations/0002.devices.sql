-- depends: 0001.projects
--
-- The physical machines. A name is unique in its project; what the device runs lies in
-- device_firmware, so that this table is not written when a device reports.
create table if not exists devices (
    id         uuid        not null default gen_random_uuid(),
    project_id uuid        not null,
    name       text        not null,
    created_at timestamptz not null default now(),
    constraint devices_pkey primary key (id),
    constraint devices_project_id_fkey foreign key (project_id) references projects (id),
    constraint devices_name_key unique (project_id, name),
    constraint devices_name_check check (char_length(name) between 1 and 200)
);
