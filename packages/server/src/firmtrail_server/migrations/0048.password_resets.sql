-- depends: 0047.pending_sign_ups
--
-- Codes that were mailed to users who have forgotten their password. A user may have several, so that nobody can end the
-- code of another by asking for one more; the first that is used ends them all.
create table if not exists password_resets (
    user_id       uuid        not null,
    secret_digest bytea       not null,
    expires_at    timestamptz not null,
    constraint password_resets_pkey primary key (user_id, secret_digest),
    constraint password_resets_secret_digest_key unique (secret_digest),
    constraint password_resets_user_id_fkey foreign key (user_id) references users (id)
);
