drop index if exists api_keys_owner_idx;
