-- One row per snapshot and judge.
insert or ignore into base.judges by name
select * from read_parquet($parts);
