-- not valid: components that are gone stay so until their next report
alter table device_firmware drop constraint if exists device_firmware_version_length;
alter table device_firmware drop constraint if exists device_firmware_version_check;
alter table device_firmware
    add constraint device_firmware_version_check check (char_length(version) between 1 and 128) not valid;
