alter table device_firmware drop column if exists change_number;
