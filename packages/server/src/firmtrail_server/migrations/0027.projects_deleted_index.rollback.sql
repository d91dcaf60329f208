drop index if exists projects_deleted_idx;
