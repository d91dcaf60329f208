-- depends: 0057.webhook_deliveries
--
-- Work that one process at a time does without a pause, and which one that is: it renews its lease while it lives, and
-- another process takes over when the lease has expired, by the database's clock.
create table if not exists work_leases (
    name       text        not null,
    holder     text        not null,
    expires_at timestamptz not null,
    constraint work_leases_pkey primary key (name)
);
