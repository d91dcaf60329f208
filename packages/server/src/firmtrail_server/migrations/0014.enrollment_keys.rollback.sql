drop table if exists enrollment_keys;
