-- depends: 0003.api_keys
--
-- A project's keys, and a device's: lists, limits on their number, and deletion.
create index if not exists api_keys_owner_idx on api_keys (project_id, device_id);
