-- depends: 0020.projects_deleted
--
-- The deleted projects, of which there are hardly ever any: every statement that stores reports looks whether
-- one of them is among its own.
create index if not exists projects_deleted_idx on projects (id) where deleted_at is not null;
