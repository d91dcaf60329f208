-- depends: 0064.device_firmware_gone
--
-- What ran at a moment of the past is, of the components that have not changed since, in device_versions. With the version
-- in this index they are read from it alone; by the index before it each one had to be looked up in the table.
create index if not exists device_versions_changed_idx on device_versions (project_id, since desc, device_id, component)
    include (version);
