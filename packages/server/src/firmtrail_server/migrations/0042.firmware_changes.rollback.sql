drop table if exists firmware_changes;
