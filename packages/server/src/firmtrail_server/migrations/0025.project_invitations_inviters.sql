-- depends: 0011.project_invitations_by_project
--
-- Who made an invitation, a user or an API key: with their power to invite, their open invitations end.
alter table project_invitations add column if not exists created_by uuid;
