alter table device_boots drop column if exists boot_sequence, drop column if exists stretches;
drop index if exists device_boots_recorded_at_idx;
