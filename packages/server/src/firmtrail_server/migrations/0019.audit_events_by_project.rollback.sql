drop index if exists audit_events_project_id_idx;
