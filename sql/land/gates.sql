-- One row per measure of a snapshot, a judge and a time.
insert or ignore into base.gates by name
select * from read_parquet($parts);
