-- One row a completed walk.
insert or ignore into base.snapshots by name
select * from read_parquet($parts);
