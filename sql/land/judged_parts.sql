-- One row per part and judge.
insert or ignore into base.judged_parts by name
select * from read_parquet($parts);
