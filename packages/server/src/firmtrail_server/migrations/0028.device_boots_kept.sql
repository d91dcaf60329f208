-- depends: 0023.device_boots_senders
--
-- Boots are kept for as long as their device: of a boot that is forgotten nobody can say that it was told before, and a
-- retry or a state directory that is put back would tell it once more, at another moment. A device that boots every day
-- has thousands of them after some years, and every batch asks which of them were heard of since the one that sends.
create index if not exists device_boots_recorded_at_idx on device_boots (device_id, recorded_at);
