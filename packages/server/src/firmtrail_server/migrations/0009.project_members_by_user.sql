-- depends: 0008.project_members
--
-- A user's projects: their list, and the question whether one would lose its only admin.
create index if not exists project_members_user_id_idx on project_members (user_id);
