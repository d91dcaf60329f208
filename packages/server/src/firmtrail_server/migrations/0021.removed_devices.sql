-- depends: 0006.device_firmware_periods
--
-- Devices that are deleted, while closed periods of theirs may be left: those are deleted in small
-- batches, and this row after them. Nothing can read or add to them, since the device is gone.
create table if not exists removed_devices (
    device_id  uuid        not null,
    project_id uuid        not null,
    removed_at timestamptz not null default now(),
    constraint removed_devices_pkey primary key (device_id)
);
