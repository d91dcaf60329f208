drop table if exists user_sessions;
