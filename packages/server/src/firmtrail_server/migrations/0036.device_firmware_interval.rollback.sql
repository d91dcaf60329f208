alter table device_firmware drop column if exists interval_seconds;
