alter table project_invitations drop column if exists created_by;
