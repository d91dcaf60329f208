alter table devices drop column if exists two_machines_since;
