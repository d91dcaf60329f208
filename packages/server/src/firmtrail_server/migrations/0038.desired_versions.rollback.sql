drop table if exists desired_versions;
