drop table if exists periodic_work;
drop table if exists device_silences;
