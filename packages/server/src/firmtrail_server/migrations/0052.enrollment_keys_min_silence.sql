-- depends: 0051.device_agents
--
-- For how long a device must have been quiet before this enrollment key replaces its API keys. Null: however lately it
-- reported, as for keys that are older than this column.
alter table enrollment_keys add column if not exists min_silence_seconds int8;
