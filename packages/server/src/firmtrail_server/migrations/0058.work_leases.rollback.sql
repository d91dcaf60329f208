drop table if exists work_leases;
