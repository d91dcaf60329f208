-- depends: 0065.device_versions_changed_index
--
-- device_versions_changed_idx has all that this index had.
-- contracts: servers of before find the same rows by the other index.
drop index if exists device_versions_since_idx;
