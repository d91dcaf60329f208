drop index if exists device_boots_recorded_at_idx;
