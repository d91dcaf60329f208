-- depends: 0032.device_firmware_cadence
--
-- The devices that are silent: longer quiet than their own cadence allows. One process at a time compares all devices with
-- this table every minute and writes the difference, since an index on heard_at would make every report slower, and a
-- page that looks for silent devices without one reads until it has found enough.
-- silent_since is the moment of the last report, or of the registration of a device that has never reported.
create table if not exists device_silences (
    project_id   uuid        not null,
    device_id    uuid        not null,
    silent_since timestamptz not null,
    found_at     timestamptz not null,
    constraint device_silences_pkey primary key (project_id, device_id)
);

-- Who does the work that one process at a time does, and when it was last begun. The update that moves begun_at on takes
-- the turn; two that try it at once wait for each other, and the second one finds that there is nothing to do.
create table if not exists periodic_work (
    name     text        not null,
    begun_at timestamptz not null,
    constraint periodic_work_pkey primary key (name)
);
