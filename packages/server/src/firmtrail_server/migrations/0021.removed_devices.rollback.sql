drop table if exists removed_devices;
