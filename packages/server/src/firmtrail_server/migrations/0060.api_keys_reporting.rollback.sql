alter table api_keys drop column if exists reports_for_devices;
