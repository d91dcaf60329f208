-- depends: 0003.api_keys
--
-- What every component runs now: its open version period, one row a component.
--
-- Nearly every report touches this table and no other: the version is the one already known, and
-- only last_reported_at and report_count move. Neither is in an index, and the fill factor leaves
-- room in the page, so that PostgreSQL rewrites the row in place (a HOT update).
-- There is no foreign key to devices: the writing statement has already met the device through its
-- key, and a check per row would halve the rate. Whoever deletes a device deletes these rows.
create table if not exists device_firmware (
    device_id         uuid        not null,
    component         text        not null,
    project_id        uuid        not null,
    period_id         uuid        not null,
    version           text        not null,
    first_reported_at timestamptz not null,
    last_reported_at  timestamptz not null,
    report_count      bigint      not null,
    recorded_at       timestamptz not null,
    tie_rank          bigint      not null,
    constraint device_firmware_pkey primary key (device_id, component),
    constraint device_firmware_moments_check check (first_reported_at <= last_reported_at),
    constraint device_firmware_report_count_check check (report_count >= 1),
    constraint device_firmware_version_check check (char_length(version) between 1 and 128)
) with (fillfactor = 70);
