-- depends: 0023.device_boots_senders
--
-- Boots are kept for as long as their device: of a boot that is forgotten nobody can say that it was told before, and a
-- retry or a state directory that is put back would tell it once more, at another moment. A device that boots every day
-- has thousands of them after some years, and every batch asks which of them were heard of since the one that sends.
create index if not exists device_boots_recorded_at_idx on device_boots (device_id, recorded_at);

-- The number that the device gives a boot tells that a batch is of an earlier boot than the one heard of last; null in rows
-- from before. The stretches are the early parts of a boot that have another start, because its clock stood still or
-- drifted: a list of {"started_at", "source", "until"}, oldest first; null for nearly all boots.
alter table device_boots
    add column if not exists boot_sequence int8,
    add column if not exists stretches jsonb;
