-- depends: 0028.device_boots_kept
--
-- Which version every component runs now, without what every report moves: a row changes only when the version does.
--
-- Questions about a whole project read this table. device_firmware has the same facts, but an unchanged report rewrites
-- its row, so none of its pages is ever known to be visible to all, and an index-only scan of it has to look at the heap
-- for every row: a count of 100,000 devices takes 36 ms at best, just after a VACUUM, and from this table 26.
--
-- since is the open period's first_reported_at. There are no foreign keys, as for device_firmware. Whoever writes one of
-- the two tables writes the other. A server of the version before, which knows nothing of this table, may serve beside
-- this migration and after it: `firmtrail-server check-derived --repair` compares the two and repairs what differs, and so
-- does `firmtrail-server migrate` at its end.
create table if not exists device_versions (
    project_id uuid        not null,
    component  text        not null,
    device_id  uuid        not null,
    version    text        not null,
    since      timestamptz not null,
    constraint device_versions_pkey primary key (project_id, component, device_id)
);
create index if not exists device_versions_version_idx
    on device_versions (project_id, component, version, device_id) include (since);

-- What was reported before, `migrate` fills in by batches, before this migration counts as applied (db/schema/batches.py).
