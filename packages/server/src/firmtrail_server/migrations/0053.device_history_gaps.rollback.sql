drop table if exists device_history_gaps;
