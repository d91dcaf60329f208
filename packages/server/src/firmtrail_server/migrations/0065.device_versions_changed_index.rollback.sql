drop index if exists device_versions_changed_idx;
