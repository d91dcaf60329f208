-- depends: 0022.device_boots
--
-- With which API key a boot last sent a batch; null: it was only told of. Of one machine, a boot that has
-- ended never sends again, so two boots that take turns with one key are two machines.
alter table device_boots add column if not exists api_key_id uuid;
