-- depends: 0006.device_firmware_periods
--
-- When a device's boots started, as worked out from the first batch of reports that told of each.
--
-- A device without a clock battery counts time from its start. Working the start out again with every
-- batch would give another result each time, by the time that the request took, and a retry would
-- make new moments. So it is remembered: one small row a boot, of each device the newest few.
-- reported_until is what was known of the device when the boot was first heard of: boots between
-- that and this one came later.
create table if not exists device_boots (
    device_id      uuid        not null,
    boot_id        uuid        not null,
    project_id     uuid        not null,
    started_at     timestamptz not null,
    source         text        not null,
    reported_until timestamptz,
    recorded_at    timestamptz not null,
    constraint device_boots_pkey primary key (device_id, boot_id),
    constraint device_boots_source_check check (source in ('device', 'boot_clock', 'upper_bound'))
);
