drop table if exists device_boots;
