drop table if exists devices;
