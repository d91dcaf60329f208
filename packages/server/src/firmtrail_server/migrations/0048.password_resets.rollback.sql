drop table if exists password_resets;
