alter table projects drop column if exists deleted_at;
