-- depends: 0052.enrollment_keys_min_silence
--
-- Stretches of time of which a device had to drop records for want of room: what it ran there is not known. The version
-- periods around one do not show it, since a version that is the same before and after is one period.
-- began_at is the last moment before it of which the device told; null: it has told of none. A retry finds the same
-- ended_at, so it changes nothing. No foreign key, as in the other tables that devices write.
create table if not exists device_history_gaps (
    device_id  uuid        not null,
    ended_at   timestamptz not null,
    project_id uuid        not null,
    began_at   timestamptz,
    records    int8        not null,
    constraint device_history_gaps_pkey primary key (device_id, ended_at),
    constraint device_history_gaps_moments_check check (began_at <= ended_at)
);
