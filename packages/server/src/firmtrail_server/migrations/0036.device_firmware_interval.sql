-- depends: 0034.device_silences_log 0035.devices_retired_index
--
-- How often the device reports, as its last report announced it; null: that one did not. The statement that stores a report
-- rewrites the row anyway, and no index has the column, so that an unchanged report stays a HOT update.
alter table device_firmware
    add column if not exists interval_seconds int4;
