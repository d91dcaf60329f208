-- depends: 0015.devices_described
--
-- One machine is one device of its project, under whichever name.
create unique index if not exists devices_hardware_fingerprint_key
    on devices (project_id, hardware_fingerprint) where hardware_fingerprint is not null;
