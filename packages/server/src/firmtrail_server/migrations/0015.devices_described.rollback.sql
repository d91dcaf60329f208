alter table devices drop column if exists labels, drop column if exists hardware_fingerprint,
    drop column if exists retired_at;
