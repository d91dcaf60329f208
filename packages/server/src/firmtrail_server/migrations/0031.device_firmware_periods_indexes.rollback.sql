drop index if exists device_firmware_periods_version_idx;
drop index if exists device_firmware_periods_span_idx;
