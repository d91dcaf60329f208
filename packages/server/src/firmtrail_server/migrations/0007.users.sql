-- depends: 0006.device_firmware_periods
--
-- The people. An address is kept as it was typed and compared in lower case: email_key is that form,
-- so that two spellings of one address are one user. Addresses are ASCII, so every database lowers
-- them alike.
-- token_epoch is written into every access token; a change of password raises it, and tokens of an
-- earlier epoch are refused from the next request on, without a list of them.
create table if not exists users (
    id            uuid        not null default gen_random_uuid(),
    email         text        not null,
    email_key     text        not null generated always as (lower(email)) stored,
    name          text        not null,
    password_hash bytea       not null,
    token_epoch   bigint      not null default 0,
    created_at    timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_email_key_key unique (email_key),
    constraint users_email_check check (char_length(email) between 3 and 254),
    constraint users_name_check check (char_length(name) between 1 and 100)
);
