drop index if exists devices_labels_idx;
