-- depends: 0061.api_keys_unused
--
-- A device says of a component that it is gone. That is an observation like any other, and stored like any other: as a
-- period whose version is the empty text, which no report can give. So late reports, splits, ties and retries keep
-- their rules (docs/decisions/0025-gone-components.md). The check forbade it; closed periods have
-- none. Its upper limit stays.
-- contracts: servers of before neither write such a period nor depend on the check, which the API's limits make.
alter table device_firmware drop constraint if exists device_firmware_version_check;
alter table device_firmware drop constraint if exists device_firmware_version_length;
alter table device_firmware
    add constraint device_firmware_version_length check (char_length(version) <= 128) not valid;
