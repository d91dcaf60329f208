drop index if exists project_invitations_project_id_idx;
