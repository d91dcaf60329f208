-- depends: 0018.audit_events
--
-- A project's trail, newest first.
create index if not exists audit_events_project_id_idx on audit_events (project_id, occurred_at desc, id desc);
