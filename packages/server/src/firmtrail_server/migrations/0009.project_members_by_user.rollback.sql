drop index if exists project_members_user_id_idx;
