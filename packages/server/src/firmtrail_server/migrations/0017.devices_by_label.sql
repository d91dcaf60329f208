-- depends: 0015.devices_described
--
-- "Which devices have these labels?" is one question about containment.
create index if not exists devices_labels_idx on devices using gin (labels);
