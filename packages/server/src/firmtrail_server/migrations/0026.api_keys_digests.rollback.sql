alter table api_keys drop column if exists secret_digest;
