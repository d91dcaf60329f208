-- depends: 0002.devices
--
-- What people say about a device: labels (key = value), what its hardware is recognised by when it
-- enrolls again, and since when it has been out of service.
alter table devices
    add column if not exists labels jsonb not null default '{}',
    add column if not exists hardware_fingerprint text,
    add column if not exists retired_at timestamptz;
