drop index if exists devices_hardware_fingerprint_key;
