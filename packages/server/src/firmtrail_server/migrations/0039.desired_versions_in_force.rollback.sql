drop index if exists desired_versions_in_force_idx;
