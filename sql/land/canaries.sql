-- One row per judge, set of canaries and time.
insert or ignore into base.canaries by name
select * from read_parquet($parts);
