-- depends: 0001.projects
--
-- A deleted project is gone for everyone at once; its rows follow in small batches, so that no single
-- transaction deletes a million of them. The row itself is the last to go: until then it says that
-- there is work left, also after a crash.
alter table projects add column if not exists deleted_at timestamptz;
