drop table if exists device_versions;
