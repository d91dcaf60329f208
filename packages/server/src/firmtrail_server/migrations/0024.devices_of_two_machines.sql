-- depends: 0015.devices_described
--
-- Since when two machines have been seen to report with one API key of the device. It is written when
-- that is first seen and when a key of the device ends, so a report still never writes this table.
alter table devices add column if not exists two_machines_since timestamptz;
