drop table if exists pending_sign_ups;
