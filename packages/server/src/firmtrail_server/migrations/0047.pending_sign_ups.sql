-- depends: 0046.users_disabled
--
-- Sign-ups whose address is not confirmed yet, where the server sends e-mail. They become users when the code that was
-- mailed comes back with the password. An address may have several: whoever signs up with the address of somebody else
-- cannot end theirs, and the code of one does not confirm the password of another.
-- invitation_digest is that of the invitation's secret, to join its project then.
create table if not exists pending_sign_ups (
    secret_digest     bytea       not null,
    email             text        not null,
    name              text        not null,
    password_hash     bytea       not null,
    invitation_digest bytea,
    expires_at        timestamptz not null,
    constraint pending_sign_ups_pkey primary key (secret_digest)
);
