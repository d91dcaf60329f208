drop table if exists device_firmware;
