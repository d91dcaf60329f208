drop table if exists project_invitations;
