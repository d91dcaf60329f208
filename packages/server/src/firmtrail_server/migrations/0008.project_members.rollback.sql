drop table if exists project_members;
