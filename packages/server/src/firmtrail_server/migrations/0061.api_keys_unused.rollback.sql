alter table api_keys drop column if exists is_unused;
