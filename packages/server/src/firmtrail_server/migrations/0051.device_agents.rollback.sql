drop table if exists device_agents;
