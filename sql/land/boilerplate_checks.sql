-- One row per snapshot and table.
insert or ignore into base.boilerplate_checks by name
select * from read_parquet($parts);
