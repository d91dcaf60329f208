-- depends: 0031.device_firmware_periods_indexes
--
-- When the server last heard a component, and at what pace: the mean gap between reports in seconds, which later gaps
-- move. last_reported_at is the device's own moment and jumps with a spool that was kept offline; this one is the server's.
-- Neither column is in an index, so that an unchanged report stays a HOT update. Null: not heard, or not twice, since
-- this migration.
alter table device_firmware
    add column if not exists heard_at timestamptz,
    add column if not exists cadence float8;
