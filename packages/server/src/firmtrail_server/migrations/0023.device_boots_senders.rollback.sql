alter table device_boots drop column if exists api_key_id;
