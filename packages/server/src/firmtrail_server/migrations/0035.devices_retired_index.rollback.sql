drop index if exists devices_retired_idx;
