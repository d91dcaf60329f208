-- depends: 0007.users
--
-- Who belongs to which project, and with which role. The key starts with the project: "which role
-- has this user here?" is asked at every request of a user and is one look-up by primary key.
create table if not exists project_members (
    project_id uuid        not null,
    user_id    uuid        not null,
    role       text        not null,
    joined_at  timestamptz not null default now(),
    constraint project_members_pkey primary key (project_id, user_id),
    constraint project_members_project_id_fkey foreign key (project_id) references projects (id),
    constraint project_members_user_id_fkey foreign key (user_id) references users (id),
    constraint project_members_role_check check (role in ('viewer', 'editor', 'admin'))
);
