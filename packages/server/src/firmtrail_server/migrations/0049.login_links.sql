-- depends: 0048.password_resets
--
-- Links that sign a person in once, without a password: the operator makes them (firmtrail-server login-link), and
-- ./dev run ends with one. The secret is in the link alone; a link that was followed is deleted, and one that nobody
-- followed goes with the next one that is made after it has expired.
create table if not exists login_links (
    secret_digest bytea       not null,
    user_id       uuid        not null,
    expires_at    timestamptz not null,
    constraint login_links_pkey primary key (secret_digest),
    constraint login_links_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);
