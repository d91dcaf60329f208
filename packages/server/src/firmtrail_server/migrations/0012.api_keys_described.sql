-- depends: 0004.api_keys_by_owner
--
-- What helps people to tell keys apart: a label, who made the key, the first characters of its secret
-- (four of 43: a leaked secret is recognised, and 232 random bits stay unknown) and when it was last
-- used. last_used_at is coarse: it is written at most once an hour for a key, many keys at a time.
alter table api_keys
    add column if not exists label text not null default '',
    add column if not exists created_by uuid,
    add column if not exists secret_start text not null default '',
    add column if not exists last_used_at timestamptz;
