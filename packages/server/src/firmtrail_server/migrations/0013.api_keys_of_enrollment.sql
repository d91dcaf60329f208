-- depends: 0012.api_keys_described
--
-- A third kind of key: one with neither a role nor a device may only enroll devices. A key that has
-- both stays impossible.
alter table api_keys drop constraint if exists api_keys_owner_check;
alter table api_keys drop constraint if exists api_keys_one_owner_check;
alter table api_keys add constraint api_keys_one_owner_check check (role is null or device_id is null);
