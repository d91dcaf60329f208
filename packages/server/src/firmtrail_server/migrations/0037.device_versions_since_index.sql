-- depends: 0036.device_firmware_interval
--
-- What changed last in a project, and what has changed since a moment: the newest entries, not all devices.
create index if not exists device_versions_since_idx on device_versions (project_id, since desc, device_id, component);
