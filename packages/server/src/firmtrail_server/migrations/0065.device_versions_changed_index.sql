-- depends: 0064.device_firmware_gone
-- transactional: false
--
-- What ran at a moment of the past is, of the components that have not changed since, in device_versions. With the version
-- in this index they are read from it alone; by the index before it each one had to be looked up in the table.
-- Reports go on while it is made, so it may wait for transactions that are open. One that was interrupted left an index
-- that is not used.
drop index if exists device_versions_changed_idx;
set lock_timeout = '5min';
create index concurrently device_versions_changed_idx on device_versions (project_id, since desc, device_id, component)
    include (version);
set lock_timeout = '1s';
