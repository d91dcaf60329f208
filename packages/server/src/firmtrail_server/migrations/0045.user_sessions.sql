-- depends: 0039.desired_versions_in_force
--
-- Logins that last: each row is one, and its refresh token gets new access tokens. A token is used once and replaced by
-- its successor, so the row knows two: the current one, and the one before with the salt from which its successor follows,
-- so that a lost answer can be given again. Any other token that names the row is an old one, and ends it
-- (docs/decisions/0018-refresh-tokens.md).
-- scopes is what the login asked for, and null where it asked for all: then a role that may do more later does it here too.
-- client is the User-Agent header, cut; it and address are those of the latest use.
create table if not exists user_sessions (
    id              uuid        not null default gen_random_uuid(),
    user_id         uuid        not null,
    scopes          text,
    token_digest    bytea       not null,
    previous_digest bytea,
    successor_salt  bytea,
    created_at      timestamptz not null,
    last_used_at    timestamptz not null,
    expires_at      timestamptz not null,
    client          text        not null,
    address         text        not null,
    constraint user_sessions_pkey primary key (id),
    constraint user_sessions_user_id_key unique (user_id, id),
    constraint user_sessions_user_id_fkey foreign key (user_id) references users (id)
);
