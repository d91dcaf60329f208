alter table users drop column if exists disabled_at;
