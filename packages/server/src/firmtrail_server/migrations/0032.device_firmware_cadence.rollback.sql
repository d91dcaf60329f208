alter table device_firmware drop column if exists cadence, drop column if exists heard_at;
