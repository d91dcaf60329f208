alter table device_firmware_periods drop column if exists span;
