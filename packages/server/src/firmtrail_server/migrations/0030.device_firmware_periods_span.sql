-- depends: 0029.device_versions
--
-- How long a closed period was in force, as a class: a period of class k is shorter than 2^k days. So whatever was in
-- force at a moment T, and has class k, began after T - 2^k days: "which versions ran at T?" reads eleven narrow
-- stretches of one index, of which at least half are part of the answer, and not the whole history.
-- The class is a function of the row, so it is right also after late reports, with nothing to maintain.
--
-- PostgreSQL writes the table anew for a stored column, and nobody reads or writes it meanwhile: 10 seconds for a million
-- periods. Reports wait that long, or are answered 503 and sent again.
alter table device_firmware_periods
    add column if not exists span int2 not null generated always as (
        case when superseded_at - first_reported_at < interval '1 day'    then 0
             when superseded_at - first_reported_at < interval '2 days'   then 1
             when superseded_at - first_reported_at < interval '4 days'   then 2
             when superseded_at - first_reported_at < interval '8 days'   then 3
             when superseded_at - first_reported_at < interval '16 days'  then 4
             when superseded_at - first_reported_at < interval '32 days'  then 5
             when superseded_at - first_reported_at < interval '64 days'  then 6
             when superseded_at - first_reported_at < interval '128 days' then 7
             when superseded_at - first_reported_at < interval '256 days' then 8
             when superseded_at - first_reported_at < interval '512 days' then 9
             else 10
        end) stored;
