delete from api_keys where role is null and device_id is null;
alter table api_keys drop constraint if exists api_keys_one_owner_check;
alter table api_keys drop constraint if exists api_keys_owner_check;
alter table api_keys add constraint api_keys_owner_check check ((role is null) <> (device_id is null));
