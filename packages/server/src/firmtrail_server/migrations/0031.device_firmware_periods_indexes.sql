-- depends: 0030.device_firmware_periods_span
--
-- The first serves "as of T" for a whole component, see the migration before. The second serves "who ran version X at T":
-- pages in the order of device ids, which reads a version's own periods alone.
create index if not exists device_firmware_periods_span_idx
    on device_firmware_periods (project_id, component, span, first_reported_at)
    include (superseded_at, version, device_id);
create index if not exists device_firmware_periods_version_idx
    on device_firmware_periods (project_id, component, version, device_id, first_reported_at) include (superseded_at);
