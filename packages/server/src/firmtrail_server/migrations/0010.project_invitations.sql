-- depends: 0007.users
--
-- Invitations that nobody has accepted yet: accepting, like revoking, deletes the row, so that none
-- is accepted twice. Whoever holds the secret may join; email only says where it was sent.
-- The secret alone must lead to its row, so its SHA-256 is kept and not a salted hash: 256 random
-- bits cannot be guessed from either.
create table if not exists project_invitations (
    id            uuid        not null default gen_random_uuid(),
    project_id    uuid        not null,
    role          text        not null,
    email         text,
    secret_digest bytea       not null,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    constraint project_invitations_pkey primary key (id),
    constraint project_invitations_secret_digest_key unique (secret_digest),
    constraint project_invitations_project_id_fkey foreign key (project_id) references projects (id),
    constraint project_invitations_role_check check (role in ('viewer', 'editor', 'admin'))
);
