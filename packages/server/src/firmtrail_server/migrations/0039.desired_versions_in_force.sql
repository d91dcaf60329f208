-- depends: 0038.desired_versions
--
-- Of two rules of a component that are in force, one has the greater priority: so it is never open which one counts.
create unique index if not exists desired_versions_in_force_idx on desired_versions (project_id, component, priority)
    where ended_at is null;
