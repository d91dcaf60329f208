-- depends: 0002.devices
--
-- Who may ask for what: one table for all keys. A key belongs to a project and has either a
-- role in it, or one device for which it may report. Only the bcrypt hash of the secret is kept.
-- A deleted key is a deleted row, so that "is this key alive?" is one look-up by primary key.
create table if not exists api_keys (
    id          uuid        not null default gen_random_uuid(),
    project_id  uuid        not null,
    role        text,
    device_id   uuid,
    secret_hash bytea       not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz,
    constraint api_keys_pkey primary key (id),
    constraint api_keys_project_id_fkey foreign key (project_id) references projects (id),
    constraint api_keys_device_id_fkey foreign key (device_id) references devices (id),
    constraint api_keys_role_check check (role in ('viewer', 'editor', 'admin')),
    constraint api_keys_owner_check check ((role is null) <> (device_id is null))
);
