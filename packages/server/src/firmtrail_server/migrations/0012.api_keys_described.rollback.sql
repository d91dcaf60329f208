alter table api_keys drop column if exists label, drop column if exists created_by,
    drop column if exists secret_start, drop column if exists last_used_at;
