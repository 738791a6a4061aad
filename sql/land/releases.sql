-- One row per snapshot that a person has released.
insert or ignore into base.releases by name
select * from read_parquet($parts);
