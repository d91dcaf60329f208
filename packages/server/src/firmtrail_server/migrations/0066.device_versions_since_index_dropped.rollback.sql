drop index if exists device_versions_since_idx;
create index device_versions_since_idx on device_versions (project_id, since desc, device_id, component);
