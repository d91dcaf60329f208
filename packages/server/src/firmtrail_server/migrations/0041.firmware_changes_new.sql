-- depends: 0040.device_firmware_change_number
--
-- The inbox of the feed: changes that are committed and have no number in their project yet. Whoever changes a history
-- adds a row in the same transaction; whoever numbers moves rows on to firmware_changes.
--
-- The key is the change's own, no sequence and no shared row, so that writers never wait for one another. It also orders
-- changes: those of a component by change_number, which does not depend on clocks. What is about a whole device has no
-- component (''): a silence has twice the microseconds of its beginning as its change_number, and one more when it ends, and
-- a removal the greatest there is, so that it comes last.
--
-- silent_since and ended_at are of silences alone. recorded_at is the moment of the server that made the change.
create table if not exists firmware_changes_new (
    project_id        uuid        not null,
    device_id         uuid        not null,
    change_number     bigint      not null,
    component         text        not null,
    kind              text        not null,
    version           text,
    previous_version  text,
    first_reported_at timestamptz,
    tie_rank          bigint,
    period_id         uuid,
    silent_since      timestamptz,
    ended_at          timestamptz,
    recorded_at       timestamptz not null,
    constraint firmware_changes_new_pkey primary key (project_id, device_id, change_number, component)
);
