-- depends: 0060.api_keys_reporting
--
-- A device whose enrollment was stored, and whose answer was lost, may enroll once more while the key that it never got is
-- unused. last_used_at cannot tell: it is written late, and a report does not write it. Keys that are older than this column
-- count as used. A server of the version before does not see to it; beside one, a device that has reported counts as well.
alter table api_keys add column if not exists is_unused boolean not null default false;
