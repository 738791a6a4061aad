-- One row per sentence and table.
insert or ignore into base.boilerplate by name
select * from read_parquet($parts);
