-- depends: 0039.desired_versions_in_force
--
-- How many changes of a component's history the feed has been given: the last of them has this number, so that whoever
-- reads the feed can count 1, 2, 3, ... for each component.
--
-- What was stored before has 0, and so has what a server of the version before stores beside this migration or after it: it
-- changes histories, names no change to the feed, and leaves this number as it is. So no number is ever given twice or
-- left out; what such a server changes is not in the feed, and the next export has it.
-- The column is in no index, so that an unchanged report stays a HOT update. Neither database writes rows anew for it.
alter table device_firmware
    add column if not exists change_number bigint not null default 0;
