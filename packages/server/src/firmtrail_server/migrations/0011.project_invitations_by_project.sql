-- depends: 0010.project_invitations
--
-- A project's open invitations, in the order in which they were made.
create index if not exists project_invitations_project_id_idx on project_invitations (project_id, created_at, id);
