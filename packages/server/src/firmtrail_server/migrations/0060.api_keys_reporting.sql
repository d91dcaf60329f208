-- depends: 0053.device_history_gaps
--
-- A gateway: a key of a project that may report for its devices, beside what its role allows. Off, unless it was asked for
-- when the key was made.
alter table api_keys add column if not exists reports_for_devices boolean not null default false;
