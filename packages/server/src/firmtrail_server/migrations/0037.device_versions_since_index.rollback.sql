drop index if exists device_versions_since_idx;
