-- depends: 0005.device_firmware
--
-- What every component ran before: its closed version periods. A period moves here from
-- device_firmware, with its id and recorded_at, at the moment another version replaces it.
--
-- The version was in force from first_reported_at until superseded_at, so "what ran at T?" is the
-- range first_reported_at <= T < superseded_at and needs no window function.
-- Two versions may be reported for one moment: tie_rank then says which came first.
-- The key starts with the device and follows time: a device's history is read in order, page by page.
create table if not exists device_firmware_periods (
    device_id         uuid        not null,
    first_reported_at timestamptz not null,
    component         text        not null,
    period_id         uuid        not null,
    project_id        uuid        not null,
    version           text        not null,
    last_reported_at  timestamptz not null,
    superseded_at     timestamptz not null,
    report_count      bigint      not null,
    recorded_at       timestamptz not null,
    tie_rank          bigint      not null,
    constraint device_firmware_periods_pkey primary key (device_id, first_reported_at, component, period_id),
    constraint device_firmware_periods_moments_check
        check (first_reported_at <= last_reported_at and last_reported_at <= superseded_at),
    constraint device_firmware_periods_report_count_check check (report_count >= 1)
);
